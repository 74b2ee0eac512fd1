use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use metrics::{counter, gauge};
use quick_cache::sync::{Cache, DefaultLifecycle, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::key::{Key, Keys};

/// What an entry takes beside its value, in bytes, about: its key, its place among the others, and
/// the memory of those that are gone.
const ENTRY: usize = 160;

/// Something that takes memory.
pub(crate) trait Weighty {
    /// About so much, where most of its kind take that.
    const TYPICAL: usize;

    /// How much, in bytes.
    fn bytes(&self) -> usize;
}

/// What was made for a question, as long as there is room; what is asked for again and again goes
/// last (S3-FIFO, <https://s3fifo.com>).
pub(crate) struct Store<V> {
    /// In metrics.
    name: &'static str,
    keys: Keys,
    kept: Cache<Key, Arc<V>, Weigher>,
}

#[derive(Clone)]
struct Weigher;

impl<V: Weighty> Weighter<Key, Arc<V>> for Weigher {
    fn weight(&self, _: &Key, value: &Arc<V>) -> u64 {
        u64::try_from(ENTRY + value.bytes()).unwrap_or(u64::MAX)
    }
}

/// How a question fared, in metrics.
#[derive(Clone, Copy)]
pub(crate) enum Lookup {
    /// It was known.
    Hit,
    /// It has to be asked.
    Miss,
    /// Somebody else has just asked it.
    Shared,
}

impl Lookup {
    const ALL: [Self; 3] = [Self::Hit, Self::Miss, Self::Shared];

    fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Shared => "shared",
        }
    }
}

/// The right to make what is not there. Whoever asks for the same waits, until this is dropped.
pub(crate) struct Turn<'a, V> {
    store: &'a Store<V>,
    place: PlaceholderGuard<
        'a,
        Key,
        Arc<V>,
        Weigher,
        DefaultHashBuilder,
        DefaultLifecycle<Key, Arc<V>>,
    >,
}

impl<V: Weighty> Store<V> {
    /// An empty one that takes at most so many bytes.
    pub(crate) fn new(name: &'static str, bytes: NonZeroUsize) -> Self {
        let most = u64::try_from(bytes.get()).unwrap_or(u64::MAX);
        let kept = Cache::with_weighter(bytes.get() / (ENTRY + V::TYPICAL), most, Weigher);
        let store = Self { name, keys: Keys::new(), kept };
        store.measure();
        for lookup in Lookup::ALL {
            store.count(lookup, 0);
        }
        store
    }

    /// The name of what is asked for.
    pub(crate) fn key(&self, asked: &impl Hash) -> Key {
        self.keys.of(asked)
    }

    /// What is kept by this name.
    pub(crate) fn get(&self, key: Key) -> Option<Arc<V>> {
        self.kept.get(&key)
    }

    /// The same; waits for whoever makes it. When there is nobody: the right to make it.
    pub(crate) async fn get_or_turn(&self, key: Key) -> Result<Arc<V>, Turn<'_, V>> {
        let kept = self.kept.get_value_or_guard_async(&key).await;
        kept.map_err(|place| Turn { store: self, place })
    }

    /// Keeps this by this name, if there is room.
    pub(crate) fn keep(&self, key: Key, value: V) {
        self.kept.insert(key, Arc::new(value));
        self.measure();
    }

    /// Keeps what has this name no longer, if it is to go.
    pub(crate) fn forget(&self, key: Key, is_to_go: impl FnOnce(&V) -> bool) {
        if self.kept.remove_if(&key, |value| is_to_go(value)).is_some() {
            self.measure();
        }
    }

    /// How much is kept, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.weight()
    }

    /// Counts that so many questions fared so.
    pub(crate) fn count(&self, lookup: Lookup, number: u64) {
        let name = "askbook_cache_lookups_total";
        counter!(name, "cache" => self.name, "result" => lookup.name()).increment(number);
    }

    fn measure(&self) {
        // Exact up to 2^53 bytes.
        #[expect(clippy::cast_precision_loss, reason = "nobody has so much memory")]
        let bytes = self.bytes() as f64;
        gauge!("askbook_cache_bytes", "cache" => self.name).set(bytes);
    }
}

impl<V: Weighty> Turn<'_, V> {
    /// Keeps what was made, if there is room, and gives it to all who wait.
    pub(crate) fn keep(self, value: V) {
        // It is given back where the place is taken: then somebody else has kept it.
        drop(self.place.insert(Arc::new(value)));
        self.store.measure();
    }
}
