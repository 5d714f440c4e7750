//! The members of a group: a list of numbered places (`seats`), which are used again.
//!
//! ```text
//! seats  [ a | _ | c | d | _ ]
//! free   [ 4, 1 ]                 the next member gets place 1
//! ```
//!
//! A group may live as long as its program, with any number of tasks one after the other. Its memory is in
//! proportion to the largest number of tasks that were there at once.
//!
//! Knows nothing of candor.

/// The members of a group that are not gone yet.
pub(crate) struct Roster<M> {
    seats: Vec<Option<M>>,
    free: Vec<usize>,
}

impl<M> Default for Roster<M> {
    fn default() -> Self {
        Roster {
            seats: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<M> Roster<M> {
    /// Inserts a member, and returns its place.
    pub(crate) fn sit_down(&mut self, member: M) -> usize {
        let Some(seat) = self.free.pop() else {
            self.seats.push(Some(member));
            return self.seats.len() - 1;
        };
        debug_assert!(self.seats[seat].is_none(), "a free seat is empty");
        self.seats[seat] = Some(member);
        seat
    }

    /// Removes a member; `None` if it was removed before.
    pub(crate) fn stand_up(&mut self, seat: usize) -> Option<M> {
        let member = self.seats.get_mut(seat)?.take()?;
        self.free.push(seat);
        Some(member)
    }

    pub(crate) fn get(&self, seat: usize) -> Option<&M> {
        self.seats.get(seat)?.as_ref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &M> {
        self.seats.iter().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// How many were there at once.
    pub(crate) fn most(&self) -> usize {
        self.seats.len()
    }

    /// All members, in the order of their seats.
    pub(crate) fn into_members(self) -> impl Iterator<Item = M> {
        self.seats.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_was_given_back_is_taken_again() {
        let mut roster = Roster::default();
        let [a, b] = ["a", "b"].map(|name| roster.sit_down(name));
        assert_eq!(roster.stand_up(a), Some("a"));
        assert_eq!(roster.stand_up(a), None);
        assert_eq!(roster.sit_down("c"), a);
        assert_eq!(roster.len(), 2);
        assert_eq!(roster.stand_up(b), Some("b"));
        assert_eq!((roster.len(), roster.most()), (1, 2));
        assert!(roster.into_members().eq(["c"]));
    }
}
