//! What the settings for mail have to be. The words are a replicated form.

use super::checker::Checker;
use crate::mail::{MailSecurity, MailServer, MailSettings, MailText, check};
use std::collections::BTreeSet;

/// The most characters of a mail's own text.
const LONGEST_BODY: usize = 4_000;

impl Checker {
    pub(super) fn mail(&mut self, at: &str, mail: &MailSettings) {
        if mail.servers.is_empty() || mail.servers.len() > 10 {
            self.add(format!("{at}.servers"), "name one to ten SMTP servers");
        }
        for (index, server) in mail.servers.iter().enumerate() {
            self.mail_server(&format!("{at}.servers[{index}]"), server);
        }
        self.text(&format!("{at}.sender_name"), &mail.sender_name, 1..=100);
        self.at_most_100(&format!("{at}.administrators"), mail.administrators.len());
        if mail.texts.len() > 500 {
            self.add(format!("{at}.texts"), "use at most 500 texts");
        }
        let mut seen = BTreeSet::new();
        for (index, text) in mail.texts.iter().enumerate() {
            let at = format!("{at}.texts[{index}]");
            self.mail_text(&at, text);
            if !seen.insert((text.template, &text.language)) {
                self.add(format!("{at}.language"), "there is another text for this mail in this language");
            }
        }
    }

    fn mail_server(&mut self, at: &str, server: &MailServer) {
        let is_name = server.host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
        let is_host = is_name || server.host.parse::<std::net::Ipv6Addr>().is_ok();
        if !(1..=253).contains(&server.host.len()) || !is_host {
            self.add(format!("{at}.host"), "use a host name or an address, without a port");
        }
        if server.port == 0 {
            self.add(format!("{at}.port"), "use a port from 1 to 65535");
        }
        if !server.authorities.trim().is_empty()
            && !server.authorities.contains("-----BEGIN CERTIFICATE-----")
        {
            self.add(format!("{at}.authorities"), "give PEM certificates of authorities, or leave it empty");
        }
        if let Some(login) = &server.login {
            self.text(&format!("{at}.login.user"), &login.user, 1..=255);
            if server.security == MailSecurity::None {
                let message = "a password is never sent in clear; use starttls or tls, or no account";
                self.add(format!("{at}.login"), message);
            }
        }
    }

    fn mail_text(&mut self, at: &str, text: &MailText) {
        self.text(&format!("{at}.subject"), &text.subject, 1..=200);
        let breaks = |c: char| c.is_control() && !matches!(c, '\n' | '\r');
        if text.body.trim().is_empty()
            || text.body.chars().count() > LONGEST_BODY
            || text.body.chars().any(breaks)
        {
            self.add(format!("{at}.body"), "use 1 to 4000 characters, none of them control characters");
        }
        for (field, written) in [("subject", &text.subject), ("body", &text.body)] {
            if let Err(problem) = check(text.template, written) {
                self.add(format!("{at}.{field}"), &problem.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blob::{Blob, Sealed};
    use crate::config::{ConfigChange, RealmConfig};
    use crate::feature_level::FeatureLevel;
    use crate::mail::{
        Language, MailLogin, MailSecurity, MailServer, MailSettings, MailTemplate, MailText, Notices,
    };

    fn settings() -> MailSettings {
        MailSettings {
            servers: vec![MailServer {
                host: "mail.corp.example".to_owned(),
                port: 25,
                security: MailSecurity::Starttls,
                authorities: String::new(),
                login: None,
            }],
            sender: "realm@corp.example".parse().unwrap(),
            sender_name: "Realm".to_owned(),
            administrators: Vec::new(),
            language: Language::english(),
            texts: Vec::new(),
        }
    }

    fn fields(settings: MailSettings) -> Vec<String> {
        let mut config = RealmConfig::empty();
        config.general.mail = Some(Box::new(settings));
        config.problems().into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn each_thing_that_is_wrong_is_named_by_its_place() {
        assert_eq!(fields(settings()), Vec::<String>::new());
        let mut wrong = settings();
        wrong.servers[0] = MailServer {
            host: "mail host".to_owned(),
            port: 0,
            security: MailSecurity::None,
            authorities: "none".to_owned(),
            login: Some(MailLogin { user: "u".to_owned(), password: Sealed(Blob::from(Vec::new())) }),
        };
        wrong.sender_name = "a\nb".to_owned();
        let text = MailText {
            template: MailTemplate::Test,
            language: Language::english(),
            subject: "{code}".to_owned(),
            body: "{".to_owned(),
        };
        wrong.texts = vec![text.clone(), MailText { subject: "x".into(), body: "x".into(), ..text }];
        let expected = [
            "servers[0].host",
            "servers[0].port",
            "servers[0].authorities",
            "servers[0].login",
            "sender_name",
            "texts[0].subject",
            "texts[0].body",
            "texts[1].language",
        ];
        assert_eq!(fields(wrong), expected.map(|field| format!("general.mail.{field}")));
        assert_eq!(fields(MailSettings { servers: Vec::new(), ..settings() }), ["general.mail.servers"]);
    }

    #[test]
    fn mail_and_notices_need_the_third_level_and_have_no_place_in_the_compact_form() {
        let plain = RealmConfig::empty();
        let mut general = plain.general.clone();
        general.mail = Some(Box::new(settings()));
        assert_eq!(ConfigChange::SetGeneral(plain.general.clone()).needs(), FeatureLevel::FIRST);
        assert_eq!(ConfigChange::SetGeneral(general.clone()).needs(), FeatureLevel::THIRD);
        let all = RealmConfig { general, ..plain.clone() };
        assert_eq!(ConfigChange::Replace(Box::new(all.clone())).needs(), FeatureLevel::THIRD);
        let compact = |config: &RealmConfig| {
            bincode::serde::encode_to_vec(config, bincode::config::standard()).unwrap()
        };
        assert_eq!(compact(&all), compact(&plain));
        assert!(!Notices { user: false, administrators: false }.is_usual());
    }
}
