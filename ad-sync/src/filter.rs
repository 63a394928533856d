//! Search filters (RFC 4515). The only place that builds them, so that nothing typed by a person is ever read as
//! filter syntax.

use passquorum_domain::directory::{DistinguishedName, LoginName};

/// People's accounts only (SAM_NORMAL_USER_ACCOUNT, MS-SAMR 2.2.1.9): no contacts, computers or trusts.
pub(crate) const USER: &str = "(&(objectCategory=person)(objectClass=user)(sAMAccountType=805306368))";

/// Any object.
pub(crate) const ANY: &str = "(objectClass=*)";
/// *NTDS Settings* of a controller that is read-only.
pub(crate) const READ_ONLY_CONTROLLER: &str = "(objectClass=nTDSDSARO)";

/// The users whom a login name may mean.
pub(crate) fn user_named(name: &LoginName) -> String {
    match name {
        LoginName::Account { account, .. } => format!("(&{USER}(sAMAccountName={}))", value(account)),
        LoginName::Address(address) => {
            let address = value(address);
            format!("(&{USER}(|(userPrincipalName={address})(mail={address})))")
        }
    }
}

/// The object, if it is a member of the group directly or through other groups (LDAP_MATCHING_RULE_IN_CHAIN,
/// MS-ADTS 3.1.1.3.4.4.3).
pub(crate) fn member_in_chain(group: &DistinguishedName) -> String {
    format!("(memberOf:1.2.840.113556.1.4.1941:={})", value(group.as_str()))
}

/// The users for whom all of these hold.
pub(crate) fn users_that(conditions: &[String]) -> String {
    format!("(&{USER}{})", conditions.concat())
}

/// The groups for which this holds.
pub(crate) fn groups_that(condition: &str) -> String {
    format!("(&(objectCategory=group){condition})")
}

/// Any of these.
pub(crate) fn any_of(conditions: impl Iterator<Item = String>) -> String {
    format!("(|{})", conditions.collect::<String>())
}

/// Those whose primary group has this relative id.
pub(crate) fn primary_group(rid: u32) -> String {
    format!("(primaryGroupID={rid})")
}

/// Those that have a profile in an attribute, whose name comes from the configuration, which takes names only.
pub(crate) fn begins_with_profile(attribute: &str) -> String {
    any_of(crate::profile::PREFIXES.iter().map(|prefix| format!("({attribute}={}*)", value(prefix))))
}

/// Service connection points of this name.
pub(crate) fn point_named(name: &str) -> String {
    format!("(&(objectClass=serviceConnectionPoint)(cn={}))", value(name))
}

/// The schema's object of the attribute of this name.
pub(crate) fn attribute_named(name: &str) -> String {
    format!("(lDAPDisplayName={})", value(name))
}

/// An assertion value: every byte that is not plainly a letter, a digit or harmless is written as `\xx`.
fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("\\{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescape(value: &str) -> Vec<u8> {
        let mut bytes = value.bytes();
        let mut out = Vec::new();
        while let Some(byte) = bytes.next() {
            if byte == b'\\' {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            } else {
                out.push(byte);
            }
        }
        out
    }

    fn account(name: &str) -> LoginName {
        LoginName::Account { domain: None, account: name.to_owned() }
    }

    #[test]
    fn filter_syntax_in_a_name_is_only_text() {
        let filter = user_named(&account("*)(uid=*"));
        assert!(filter.ends_with("(sAMAccountName=\\2a\\29\\28uid\\3d\\2a))"), "{filter}");
        let filter = user_named(&LoginName::Address("a*)(mail=*@b".to_owned()));
        assert_eq!(filter.matches('*').count(), 0, "{filter}");
    }

    proptest! {
        #[test]
        fn any_text_survives_as_itself_and_adds_no_syntax(text in any::<String>()) {
            let escaped = value(&text);
            prop_assert!(!escaped.contains(['*', '(', ')', '\0', '=']));
            prop_assert_eq!(unescape(&escaped), text.as_bytes());
        }

        #[test]
        fn the_structure_of_a_filter_does_not_depend_on_what_was_typed(text in "\\PC{1,40}|[*()\\\\=&|!]{1,20}") {
            let shape = |filter: &str| filter.matches(['(', ')', '&', '|', '!']).collect::<String>();
            for name in [account(&text), LoginName::Address(text.clone())] {
                let plain = match &name {
                    LoginName::Account { .. } => account("x"),
                    LoginName::Address(_) => LoginName::Address("x".to_owned()),
                };
                let filter = user_named(&name);
                prop_assert_eq!(shape(&filter), shape(&user_named(&plain)));
                prop_assert!(ldap3::parse_filter(&filter).is_ok(), "{}", filter);
            }
            let group = DistinguishedName::parse(&format!("CN={text},DC=x"));
            if let Ok(group) = group {
                prop_assert!(ldap3::parse_filter(member_in_chain(&group)).is_ok());
            }
        }
    }
}
