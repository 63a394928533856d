//! Passwords of the demonstration directory: kept as Argon2id hashes with cheap parameters, and the rules that a
//! domain sets for new ones.

use argon2::{Algorithm, Argon2, Params, Version};
use passquorum_domain::ports::DirectoryReason;
use passquorum_domain::secret::Password;
use serde::{Deserialize, Serialize};

/// A salted hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PasswordHash {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl PasswordHash {
    pub(super) fn of(password: &Password) -> Result<Self, DirectoryReason> {
        let salt = uuid::Uuid::new_v4().into_bytes();
        Ok(Self { salt, hash: derive(password, &salt)? })
    }

    pub(super) fn is_of(&self, password: &Password) -> bool {
        // Compared in plain time: the file that holds the hash is no secret from who could measure it.
        derive(password, &self.salt).is_ok_and(|hash| hash == self.hash)
    }
}

/// Memory in KiB: enough to be Argon2 at all; this directory holds no real accounts.
const MEMORY: u32 = 256;

fn derive(password: &Password, salt: &[u8; 16]) -> Result<[u8; 32], DirectoryReason> {
    let params = Params::new(MEMORY, 1, 1, Some(32)).map_err(|_| DirectoryReason::Refused)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    argon2
        .hash_password_into(password.expose().as_bytes(), salt, &mut hash)
        .map_err(|_| DirectoryReason::Refused)?;
    Ok(hash)
}

/// Three of the classes upper, lower, digit, other; and no name of the user in it (MS-ADTS 3.1.1.3.1.5).
pub(super) fn is_complex(password: &str, account: &str, display_name: &str) -> bool {
    let has = |class: fn(char) -> bool| usize::from(password.chars().any(class));
    let classes = has(char::is_uppercase)
        + has(char::is_lowercase)
        + has(|c| c.is_numeric())
        + has(|c| !c.is_alphanumeric());
    let folded = password.to_lowercase();
    let separators = [',', '.', '-', '_', ' ', '#', '\t'];
    let mut names = std::iter::once(account).chain(display_name.split(separators));
    classes >= 3 && !names.any(|name| name.chars().count() >= 3 && folded.contains(&name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_salted_and_knows_its_password() {
        let password = |text: &str| Password::parse(text.to_owned()).unwrap();
        let hash = PasswordHash::of(&password("Winter-Harbor-1")).unwrap();
        assert!(hash.is_of(&password("Winter-Harbor-1")));
        assert!(!hash.is_of(&password("winter-harbor-1")));
        assert!(hash != PasswordHash::of(&password("Winter-Harbor-1")).unwrap());
    }

    #[test]
    fn complexity_is_three_classes_and_no_name() {
        let complex = |password| is_complex(password, "alice", "Alice Liddell");
        assert!(complex("Winter-Harbor-1"));
        assert!(complex("winter harbor 1"));
        assert!(!complex("winterharbor1"));
        assert!(!complex("Winter-aLICE-1"));
        assert!(!complex("Liddell-Harbor-1"));
    }
}
