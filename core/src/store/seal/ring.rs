//! The keys in use: the current one seals, all of them open.

use std::{
    env, fmt,
    path::Path,
    sync::{PoisonError, RwLock},
};

use zeroize::Zeroizing;

use super::{
    Binding, Key, Sealed,
    file::{KeyFile, Stamp},
};
use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

/// Holds one key, or several separated by commas: the first is the current one.
pub(crate) const KEY_VARIABLE: &str = "ITSM_ADAPTER_KEY";

/// The keys of one store, from one source. Shows no key.
pub(crate) struct KeyRing {
    source: Source,
    state: RwLock<State>,
}

enum Source {
    /// Given by the caller or the environment: whoever gave them knows of a change.
    Given,
    /// In a file that other processes may change.
    File(KeyFile),
    /// Made for this process only.
    Ephemeral,
}

struct State {
    /// Never empty; the first is the current one.
    keys: Vec<Key>,
    /// The file as it was when the keys were read.
    stamp: Option<Stamp>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current_key_id()).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// These keys: the first seals, all of them open.
    ///
    /// # Errors
    /// `invalid_input` when there is none, or one is not a key; says how to make one.
    pub(crate) fn given(keys: &[Secret]) -> Result<Self> {
        let keys: Vec<Key> = keys.iter().map(Key::parse).collect::<Result<_>>()?;
        if keys.is_empty() {
            return Err(Error::invalid("No key was given.").remedy("Make one with: openssl rand -base64 32"));
        }
        Ok(Self::new(Source::Given, keys, None))
    }

    /// The keys in the environment variable [`KEY_VARIABLE`]; none when it is not set, or empty.
    pub(crate) fn from_env() -> Result<Option<Self>> {
        match env::var(KEY_VARIABLE) {
            Ok(text) => Self::from_list(&Secret::from(text)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(Error::invalid(format!("{KEY_VARIABLE} is not text."))),
        }
    }

    fn from_list(text: &Secret) -> Result<Option<Self>> {
        let keys = listed_keys(text);
        if keys.is_empty() {
            return Ok(None);
        }
        Self::given(&keys).map(Some).map_err(|error| error.with("variable", KEY_VARIABLE))
    }

    /// The keys in the file beside the database, which is made when it does not exist. The text is there
    /// when it was made: something the operator should know.
    ///
    /// # Errors
    /// `sealed` when the file cannot be read or made, holds something else than keys, or may be read by others.
    pub(crate) fn beside(database: &Path) -> Result<(Self, Option<String>)> {
        let file = KeyFile::beside(database)?;
        let mut warning = None;
        let (keys, stamp) = if let Some(found) = file.read()? {
            found
        } else {
            if file.create(&Key::generate())? {
                warning = Some(format!(
                    "A new key was made in {}. Keep a copy of it apart from the database: without it no stored \
                     secret opens, and whoever copies both has all of them. Set {KEY_VARIABLE} to keep it elsewhere.",
                    file.path().display()
                ));
            }
            // Not the key just made, but the one in the file: another process may have been faster.
            file.read()?.ok_or_else(disappeared)?
        };
        Ok((Self::new(Source::File(file), keys, Some(stamp)), warning))
    }

    /// A random key that is gone with the process: for the memory store.
    pub(crate) fn ephemeral() -> Self {
        Self::new(Source::Ephemeral, vec![Key::generate()], None)
    }

    fn new(source: Source, keys: Vec<Key>, stamp: Option<Stamp>) -> Self {
        Self { source, state: RwLock::new(State { keys, stamp }) }
    }

    /// Names the key that seals.
    pub(crate) fn current_key_id(&self) -> String {
        self.with(|state| state.keys.first().map(|key| key.id().to_owned())).unwrap_or_default()
    }

    /// Seals for this row, with the current key.
    pub(crate) fn seal(&self, plain: &[u8], binding: Binding<'_>) -> Result<Sealed> {
        // Another process may have rotated the key: what is sealed from now on must use the new one.
        if let Source::File(file) = &self.source {
            let stamp = file.stamp().ok_or_else(disappeared)?;
            if self.with(|state| state.stamp.as_ref() != Some(&stamp)) {
                self.reload(file)?;
            }
        }
        let key = self.with(|state| state.keys.first().cloned());
        super::seal(&key.ok_or_else(disappeared)?, plain, &binding)
    }

    /// Opens what was sealed for this row.
    ///
    /// # Errors
    /// `sealed`: the key is not known (the error names it), or the row was moved or altered.
    pub(crate) fn open(&self, sealed: &Sealed, binding: Binding<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let find = || self.with(|state| state.keys.iter().find(|key| key.id() == sealed.key_id()).cloned());
        let mut key = find();
        if let (None, Source::File(file)) = (&key, &self.source) {
            self.reload(file)?;
            key = find();
        }
        let key = key.ok_or_else(|| {
            Error::new(
                ErrorKind::Sealed,
                format!("The secret is sealed with key {}, which is not known.", sealed.key_id()),
            )
            .remedy(format!("Provide that key, in {KEY_VARIABLE} or in the key file beside the database."))
            .with("key_id", sealed.key_id())
        })?;
        super::open(&key, sealed, &binding)
    }

    /// Makes a key the current one and keeps the others for opening. Without a key: a new random one, except
    /// for keys that were given, because nobody but their giver could keep a new one. Answers the ids of the
    /// keys that were out of use already.
    pub(in crate::store) fn advance(&self, key: Option<&Secret>) -> Result<Vec<String>> {
        let key = match (key, &self.source) {
            (Some(text), _) => Some(Key::parse(text)?),
            (None, Source::Given) => None,
            (None, Source::File(_) | Source::Ephemeral) => Some(Key::generate()),
        };
        let spent = |keys: &[Key]| keys.iter().skip(1).map(|key| key.id().to_owned()).collect();
        match &self.source {
            Source::File(file) => {
                let _lock = file.lock()?;
                let (mut keys, _) = file.read()?.ok_or_else(disappeared)?;
                let spent = spent(&keys);
                prefer(&mut keys, key);
                // On the disk before anything is sealed with it.
                file.replace(&keys)?;
                self.reload(file)?;
                Ok(spent)
            }
            Source::Given | Source::Ephemeral => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                let spent = spent(&state.keys);
                prefer(&mut state.keys, key);
                Ok(spent)
            }
        }
    }

    /// Forgets keys that no row needs any more; the current one stays whatever is asked.
    pub(in crate::store) fn forget(&self, ids: &[String]) -> Result<usize> {
        let keep = |keys: Vec<Key>| -> Vec<Key> {
            let fits = |(place, key): &(usize, Key)| *place == 0 || !ids.iter().any(|id| id == key.id());
            keys.into_iter().enumerate().filter(fits).map(|(_, key)| key).collect()
        };
        match &self.source {
            Source::File(file) => {
                let _lock = file.lock()?;
                let (keys, _) = file.read()?.ok_or_else(disappeared)?;
                let before = keys.len();
                let keys = keep(keys);
                let gone = before - keys.len();
                if gone > 0 {
                    file.replace(&keys)?;
                    self.reload(file)?;
                }
                Ok(gone)
            }
            // Given keys are the giver's to take away.
            Source::Given => Ok(0),
            Source::Ephemeral => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                let before = state.keys.len();
                state.keys = keep(std::mem::take(&mut state.keys));
                Ok(before - state.keys.len())
            }
        }
    }

    fn reload(&self, file: &KeyFile) -> Result<()> {
        let (keys, stamp) = file.read()?.ok_or_else(disappeared)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State { keys, stamp: Some(stamp) };
        Ok(())
    }

    fn with<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys in a list, separated by commas.
pub(crate) fn listed_keys(text: &Secret) -> Vec<Secret> {
    text.expose().split(',').map(str::trim).filter(|key| !key.is_empty()).map(Secret::from).collect()
}

/// Moves the key to the front, or puts it there.
fn prefer(keys: &mut Vec<Key>, key: Option<Key>) {
    if let Some(key) = key {
        keys.retain(|other| other.id() != key.id());
        keys.insert(0, key);
    }
}

/// Going on with a key that is nowhere on the disk would make secrets that nobody can open after a restart.
fn disappeared() -> Error {
    Error::new(ErrorKind::Sealed, "The key file has disappeared.").remedy("Put it back beside the database.")
}

#[cfg(test)]
mod tests;
