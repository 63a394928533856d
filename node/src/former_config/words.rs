//! The words of the replaced product's guide, and what each means here. A word is compared without case, blanks and
//! punctuation; of all of them only `role` is known to be written just so.

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// The DNS name of a domain: what makes the settings beside it a domain connection.
    Domain,
    /// What people call a domain.
    Alias,
    /// A domain controller, or several.
    Controllers,
    /// Who signs in to the directory.
    Account,
    /// The attribute with the profiles, for the whole realm.
    ProfileAttribute,
    /// Known, but not part of our configuration: what to do instead.
    ByHand(&'static str),
}

const WORDS: [(&str, Word); 17] = [
    ("domainname", Word::Domain),
    ("domainalias", Word::Alias),
    ("alias", Word::Alias),
    ("domaincontroller", Word::Controllers),
    ("domaincontrollers", Word::Controllers),
    ("accessaccount", Word::Account),
    ("profileattribute", Word::ProfileAttribute),
    ("role", Word::ByHand("not needed: the nodes elect their leader, and nobody sets it")),
    (
        "instancename",
        Word::ByHand("give it to the node: `passquorum init --name` or `passquorum join --name`"),
    ),
    (
        "realmaffinityid",
        Word::ByHand(
            "a new realm has an id of its own (`passquorum status`); give that one to clients by group policy",
        ),
    ),
    (
        "realmaffinity",
        Word::ByHand(
            "a new realm has an id of its own (`passquorum status`); give that one to clients by group policy",
        ),
    ),
    (
        "certificatename",
        Word::ByHand(
            "not needed: the realm signs its own certificates; for the sites see `site.certificate`",
        ),
    ),
    ("port", Word::ByHand("give it to the node: `--cluster-address` and `--site-address`")),
    ("encryptionalgorithm", Word::ByHand("not needed: passquorum seals with one algorithm")),
    ("keylength", Word::ByHand("not needed: passquorum seals with 256-bit keys")),
    ("hashingalgorithm", Word::ByHand("not needed: answers are sealed, not hashed")),
    ("selfserviceurl", Word::ByHand("give it to the node: `--site-url`, or `passquorum node set-url`")),
];

/// What hints at a secret, in a name without case, blanks and punctuation.
const SECRET: [&str; 9] =
    ["password", "passwd", "secret", "key", "token", "credential", "answer", "passcode", "hash"];

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

pub(super) fn meaning(name: &str) -> Option<Word> {
    let name = plain(name);
    WORDS.iter().find(|(word, _)| *word == name).map(|(_, meaning)| *meaning)
}

/// Whether a name is not known and says that there is a secret.
pub(super) fn hints_at_secret(name: &str) -> bool {
    let name = plain(name);
    SECRET.iter().any(|hint| name.contains(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_however_it_is_spelled_and_only_whole() {
        for name in ["domainName", "Domain name", "DOMAIN_NAME"] {
            assert_eq!(meaning(name), Some(Word::Domain), "{name}");
        }
        for name in ["domain", "olddomainname", ""] {
            assert_eq!(meaning(name), None, "{name}");
        }
    }

    #[test]
    fn no_known_word_but_the_length_of_keys_and_hashing_sounds_secret() {
        let secret: Vec<_> =
            WORDS.iter().map(|(word, _)| *word).filter(|word| hints_at_secret(word)).collect();
        assert_eq!(secret, ["keylength", "hashingalgorithm"]);
        assert!(hints_at_secret("Service Pass-Word") && hints_at_secret("apiToken"));
    }
}
