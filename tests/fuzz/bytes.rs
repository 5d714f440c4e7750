//! Input of any length, read as the choices of a program.
//!
//! All input means something, and an end is a row of zeros: then whatever shrinks the input shrinks what is made of it. So the
//! choice 0 should always be the simplest one.

/// Bytes that were not read yet.
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Bytes(input)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// One of the numbers below `count`.
    pub fn below(&mut self, count: u8) -> usize {
        usize::from(self.byte() % count)
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = u8::try_from(choices.len()).expect("a byte chooses one of few");
        choices[self.below(count)]
    }

    /// True once in so many times.
    pub fn rarely(&mut self, times: u8) -> bool {
        self.byte() % times == times - 1
    }

    pub fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// At most `limit` bytes.
    pub fn take(&mut self, limit: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(limit.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
