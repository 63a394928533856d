//! Where a connection's password goes: to which controllers, as whose, and who may vouch for them. A password that was sealed for
//! one destination is not to be sent to another by whoever may edit a configuration without knowing it.

use super::{CLIENT_CONTROLLER, DEFAULT_CONTROLLER, LdapsSettings};
use std::collections::BTreeSet;

const END_OF_CERTIFICATE: &str = "-----END CERTIFICATE-----";

impl LdapsSettings {
    /// The fields by which the password would go where it does not with other settings. What takes something away is none.
    #[must_use]
    pub fn leads_beyond(&self, known: &Self) -> Vec<&'static str> {
        let fields = [
            ("servers", self.reached().is_subset(&known.reached())),
            ("authorities", trusted(&self.authorities).is_subset(&trusted(&known.authorities))),
            ("bind_name", self.bind_name == known.bind_name),
        ];
        fields.into_iter().filter(|(_, is_known)| !is_known).map(|(field, _)| field).collect()
    }

    /// The controllers by address, and the domains whose controllers are meant: such a one shows a certificate for the domain, so
    /// that one by address is none of them, whatever its name ends with.
    fn reached(&self) -> BTreeSet<String> {
        let one = |server: &String| match server.as_str() {
            CLIENT_CONTROLLER | DEFAULT_CONTROLLER => {
                format!("dns://{}", self.base.dns_domain().unwrap_or_default())
            }
            other => match other.strip_prefix("dns://") {
                Some(rest) => format!("dns://{}", rest.split('/').next().unwrap_or(rest).to_lowercase()),
                None => other.trim_end_matches('/').trim_end_matches(":636").to_lowercase(),
            },
        };
        self.servers.iter().map(one).collect()
    }
}

fn trusted(authorities: &str) -> BTreeSet<String> {
    let text = |part: &str| part.split_whitespace().collect::<String>();
    authorities.split(END_OF_CERTIFICATE).map(text).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::{Blob, Sealed};
    use crate::directory::DistinguishedName;

    fn settings(servers: &[&str], base: &str, authorities: &str, bind_name: &str) -> LdapsSettings {
        LdapsSettings {
            servers: servers.iter().map(ToString::to_string).collect(),
            base: DistinguishedName::parse(base).unwrap(),
            authorities: authorities.to_owned(),
            bind_name: bind_name.to_owned(),
            bind_password: Sealed(Blob::from(Vec::new())),
            push_sites: Vec::new(),
        }
    }

    fn authority(names: &[&str]) -> String {
        let one = |name: &&str| format!("-----BEGIN CERTIFICATE-----\n{name}\n{END_OF_CERTIFICATE}\n");
        names.iter().map(one).collect()
    }

    #[test]
    fn a_server_a_domain_an_authority_or_a_name_that_was_not_there_leads_elsewhere() {
        let base = "OU=People,DC=corp,DC=example";
        let authorities = authority(&["A", "B"]);
        let known =
            ["ldaps://dc1.corp.example", "ldaps://dc2.corp.example:3269", "dns://corp.example/Berlin"];
        let known = settings(&known, base, &authorities, "svc");
        let beyond = |servers: &[&str], base: &str, authorities: &[&str], name: &str| {
            settings(servers, base, &authority(authorities), name).leads_beyond(&known)
        };
        for server in [
            "ldaps://DC1.corp.example:636/",
            "ldaps://dc2.corp.example:3269",
            "dns://corp.example",
            "dns://CORP.example/Paris",
            "client",
            "default",
        ] {
            assert!(beyond(&[server], base, &["B"], "svc").is_empty(), "{server}");
        }
        for server in [
            "ldaps://dc1.corp.example:3269",
            "ldaps://dc2.corp.example",
            "ldaps://dc3.corp.example",
            "dns://other.example",
        ] {
            assert_eq!(beyond(&["client", server], base, &["A", "B"], "svc"), ["servers"], "{server}");
        }
        assert_eq!(beyond(&["default"], "DC=other,DC=example", &["A"], "svc"), ["servers"]);
        assert_eq!(beyond(&[], base, &["A", "C"], "svc"), ["authorities"]);
        assert_eq!(beyond(&[], base, &["A"], "other"), ["bind_name"]);
    }
}
