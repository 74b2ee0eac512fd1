use std::hash::{BuildHasher, Hash, RandomState};

use siphasher::sip128::{Hasher128, SipHasher13};

/// Names something that was asked for: a keyed hash of it (`SipHash`), of 128 bits. Nobody outside
/// this process knows the key, so nobody can ask for one thing by the name of another; that two of
/// a billion names are alike by chance is likely as 1 is to 10^20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

/// Gives the names.
#[derive(Clone, Copy)]
pub(crate) struct Keys(SipHasher13);

impl Keys {
    /// Names as nobody else gives them.
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)))
    }

    pub(crate) fn of(&self, asked: &impl Hash) -> Key {
        let mut hasher = self.0;
        asked.hash(&mut hasher);
        Key(hasher.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_one_thing_and_of_one_process() {
        let keys = Keys::new();
        let key = keys.of(&["a", "b"]);
        assert_eq!(key, keys.of(&["a", "b"]));
        assert_ne!(key, keys.of(&["ab", ""]));
        assert_ne!(key, Keys::new().of(&["a", "b"]));
    }
}
