//! What a new demonstration directory holds.

use super::domain::{Domain, Group, Pso, Rules, User};
use super::password::PasswordHash;
use super::store::{Store, StoreError};
use passquorum_domain::directory::{DistinguishedName, NameError};
use passquorum_domain::secret::{Password, SecretError};
use passquorum_domain::time::Span;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::Path;

/// The DN of the domain.
pub const BASE: &str = "DC=demo,DC=example";
/// Where people are.
pub const PEOPLE: &str = "OU=People,DC=demo,DC=example";
/// Where groups are.
pub const GROUPS: &str = "OU=Groups,DC=demo,DC=example";
/// Everybody's primary group.
pub const USERS: &str = "CN=Domain Users,OU=Groups,DC=demo,DC=example";
/// Who may use the Admin site.
pub const ADMINISTRATORS: &str = "CN=SSPR-Admins,OU=Groups,DC=demo,DC=example";
/// Who may use the Helpdesk site.
pub const HELPDESK: &str = "CN=SSPR-Helpdesk,OU=Groups,DC=demo,DC=example";
/// Fewest characters under the stricter PSO.
pub const STRICT_MIN_LENGTH: u32 = 16;

const STRICT_PSO: &str = "CN=Strict,CN=Password Settings Container,CN=System,DC=demo,DC=example";
const MAIL_DOMAIN: &str = "demo.example";

/// A user to begin with.
#[derive(Debug, Clone)]
pub struct Person {
    /// sAMAccountName; the UPN is this at `demo.example`.
    pub account: String,
    /// displayName.
    pub display_name: String,
    /// mail, when it is not the UPN.
    pub mail: Option<String>,
    /// The first password. It need not meet the rules.
    pub password: SecretString,
    /// Names of groups in [`GROUPS`] that the user is in; they are made as needed.
    pub groups: Vec<String>,
    /// Whether the account is disabled.
    pub disabled: bool,
    /// Whether the access account may only read it.
    pub protected: bool,
    /// Whether the stricter PSO applies to it.
    pub strict: bool,
}

impl Person {
    /// An ordinary user.
    #[must_use]
    pub fn new(account: &str, display_name: &str, password: &str, groups: &[&str]) -> Self {
        Self {
            account: account.to_owned(),
            display_name: display_name.to_owned(),
            mail: None,
            password: SecretString::from(password),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            disabled: false,
            protected: false,
            strict: false,
        }
    }
}

/// What a new directory holds.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The users.
    pub people: Vec<Person>,
    /// Groups in groups: the inner name, then the outer.
    pub nested: Vec<(String, String)>,
}

impl Seed {
    /// The people of `passquorum demo`: alice, bob, carol (stricter PSO) and dave (disabled) to serve; ada administers,
    /// hugo is the helpdesk.
    #[must_use]
    pub fn demo() -> Self {
        let staff = &["SSPR-Users"];
        let mut carol = Person::new("carol", "Carol Stone", "Copper-Meadow-Kettle-3", staff);
        carol.strict = true;
        let mut dave = Person::new("dave", "Dave Brook", "Silver-Window-4", staff);
        dave.disabled = true;
        let mut ada = Person::new("ada", "Ada Field", "Marble-Lantern-5", &["SSPR-Admins"]);
        ada.protected = true;
        let people = vec![
            Person::new("alice", "Alice Marsh", "Winter-Harbor-1", staff),
            Person::new("bob", "Bob Wood", "Amber-Bridge-2", staff),
            carol,
            dave,
            ada,
            Person::new("hugo", "Hugo Hill", "Velvet-Anchor-6", &["SSPR-Helpdesk"]),
        ];
        Self { people, nested: Vec::new() }
    }
}

/// Why a directory could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A name of the seed makes no DN.
    #[error("a name in the seed cannot be used: {0}")]
    Name(#[from] NameError),
    /// A password of the seed.
    #[error("a password in the seed cannot be used: {0}")]
    Password(#[from] SecretError),
    /// It could not be hashed.
    #[error("a password in the seed could not be hashed")]
    Hash,
    /// The file.
    #[error("the demonstration directory could not be written: {0}")]
    File(std::io::Error),
}

/// Makes a directory in `path` unless there is one; answers whether it was made.
///
/// # Errors
/// When the seed holds what a directory cannot, or the file cannot be written.
pub fn seed(path: &Path, seed: &Seed) -> Result<bool, SeedError> {
    let users = seed.people.iter().map(user).collect::<Result<Vec<_>, _>>()?;
    let mut members: BTreeMap<&str, Vec<DistinguishedName>> = BTreeMap::new();
    for fixed in ["Domain Users", "SSPR-Admins", "SSPR-Helpdesk", "SSPR-Users"] {
        members.entry(fixed).or_default();
    }
    for (person, user) in seed.people.iter().zip(&users) {
        for group in &person.groups {
            members.entry(group).or_default().push(user.dn.clone());
        }
    }
    for (inner, outer) in &seed.nested {
        members.entry(inner).or_default();
        members.entry(outer).or_default().push(group_dn(inner)?);
    }
    let groups = members.into_iter().map(|(name, members)| Ok(Group { dn: group_dn(name)?, members }));
    let domain = Domain {
        rules: Rules {
            min_length: 8,
            complexity: true,
            history: 5,
            lockout_threshold: 5,
            lockout_duration: Span::minutes(5),
            lockout_window: Span::minutes(5),
        },
        users,
        groups: groups.collect::<Result<Vec<_>, NameError>>()?,
        containers: BTreeMap::new(),
    };
    Store::new(path.to_owned()).create(&domain).map_err(|error| match error {
        StoreError::NotDone(error) | StoreError::Unknown(error) => SeedError::File(error),
    })
}

fn group_dn(name: &str) -> Result<DistinguishedName, NameError> {
    DistinguishedName::parse(&format!("CN={name},{GROUPS}"))
}

fn user(person: &Person) -> Result<User, SeedError> {
    let upn = format!("{}@{MAIL_DOMAIN}", person.account);
    let password = Password::parse(person.password.expose_secret().to_owned())?;
    let strict = || -> Result<Pso, NameError> {
        Ok(Pso { dn: DistinguishedName::parse(STRICT_PSO)?, min_length: STRICT_MIN_LENGTH })
    };
    Ok(User {
        guid: uuid::Uuid::new_v4(),
        dn: DistinguishedName::parse(&format!("CN={},{PEOPLE}", person.account))?,
        account: person.account.clone(),
        display_name: person.display_name.clone(),
        mail: Some(person.mail.clone().unwrap_or_else(|| upn.clone())),
        upn,
        primary_group: DistinguishedName::parse(USERS)?,
        password: PasswordHash::of(&password).map_err(|_| SeedError::Hash)?,
        earlier: Vec::new(),
        must_change: false,
        disabled: person.disabled,
        expires: None,
        wrong_passwords: 0,
        last_wrong_password: None,
        locked_at: None,
        profile: None,
        profile_digest: None,
        profile_version: 0,
        protected: person.protected,
        pso: person.strict.then(strict).transpose()?,
    })
}
