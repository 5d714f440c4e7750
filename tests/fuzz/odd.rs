//! An error that does what it likes when it is asked for its text or its source.

use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};

use crate::bytes::Bytes;
use crate::texts::text_of;

/// One link of a chain of errors.
pub struct Odd {
    pub text: String,
    shows: Shows,
    gives: Gives,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What its `Debug` and `Display` do.
#[derive(Clone, Copy)]
enum Shows {
    Text,
    Nothing,
    /// Some megabytes, if the text has some bytes.
    VeryMuch,
    Panic,
    HalfAndPanic,
    Error,
    HalfAndError,
    /// A panic whose payload is not text.
    PanicWithAnything,
    ItsSource,
}

/// What its `source` does.
#[derive(Clone, Copy)]
enum Gives {
    Next,
    Panic,
    Itself,
}

impl Odd {
    pub fn read(bytes: &mut Bytes<'_>) -> Self {
        let length = match bytes.byte() {
            0..224 => bytes.below(4),
            224..255 => bytes.below(40),
            255 => usize::from(bytes.byte()) * 20,
        };
        let mut error = Odd::link(bytes);
        for _ in 0..length {
            error = Odd::link(bytes).holding(error);
        }
        error
    }

    fn link(bytes: &mut Bytes<'_>) -> Self {
        let length = bytes.below(32);
        let text = text_of(bytes.take(length));
        let shows = match bytes.byte() {
            0..160 => Shows::Text,
            160..176 => Shows::Nothing,
            176..192 => Shows::Panic,
            192..208 => Shows::HalfAndPanic,
            208..224 => Shows::Error,
            224..236 => Shows::HalfAndError,
            236..246 => Shows::PanicWithAnything,
            246..254 => Shows::ItsSource,
            254..=255 => Shows::VeryMuch,
        };
        let gives = match bytes.byte() {
            0..240 => Gives::Next,
            240..248 => Gives::Panic,
            248..=255 => Gives::Itself,
        };
        Odd {
            text,
            shows,
            gives,
            source: None,
        }
    }

    pub fn holding(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = Some(source.into());
        Odd { source, ..self }
    }

    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let half = || {
            let half = self.text.chars().count() / 2;
            self.text.chars().take(half).collect::<String>()
        };
        match self.shows {
            Shows::Text => f.write_str(&self.text),
            Shows::Nothing => Ok(()),
            // Something at least: below an endless chain of sources, an empty text a million times would take hours.
            Shows::VeryMuch => (0..100_000).try_for_each(|_| write!(f, "{} ", self.text)),
            Shows::Panic => panic!("{}", self.text),
            Shows::HalfAndPanic => {
                f.write_str(&half())?;
                panic!("{}", self.text)
            }
            Shows::Error => Err(fmt::Error),
            Shows::HalfAndError => f.write_str(&half()).and(Err(fmt::Error)),
            Shows::PanicWithAnything => std::panic::panic_any(7),
            Shows::ItsSource => match &self.source {
                Some(source) => write!(f, "{}: {source}", self.text),
                None => f.write_str(&self.text),
            },
        }
    }
}

impl Display for Odd {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.show(f)
    }
}

impl Debug for Odd {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.show(f)
    }
}

impl Error for Odd {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.gives {
            Gives::Next => self.source.as_ref().map(|source| &**source as _),
            Gives::Panic => panic!("{}", self.text),
            Gives::Itself => Some(self),
        }
    }
}
