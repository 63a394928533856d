//! What group policy tells a client: the values of our administrative template (`ops/admx`), from a file or the command
//! line.
//!
//! The file is TOML with the template's value names; those that only concern the look of the logon screen are known and
//! passed over.

use toml::{Table, Value};

/// Every value of the template. A test holds it against the template itself.
pub const NAMES: [&str; 21] = [
    "SelfServiceUrl",
    "OverrideUrl",
    "RealmAffinity",
    "MaximumConnectionAttempts",
    "CredentialProviderGuid",
    "SeparateTile",
    "RefreshIntervalMinutes",
    "EnableProxy",
    "ProxyServer",
    "ProxyScriptUrl",
    "ProxyBypass",
    "ProxyDirectFallback",
    "DesktopShortcut",
    "StartMenuShortcut",
    "ToastRecurrenceMinutes",
    "TileTexts",
    "LinkTexts",
    "OfflineResetButton",
    "OfflineResetTexts",
    "SharedSecretReaders",
    "ToastEnabled",
];

/// How often a client tries, unless group policy says otherwise.
pub const ATTEMPTS: u32 = 5;

/// The settings that decide which page a client gets to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Used when no service connection point can be read.
    pub url: Option<String>,
    /// Used instead of any service connection point.
    pub override_url: Option<String>,
    /// Only points of this realm are taken.
    pub affinity: Option<String>,
    /// How many URLs are tried.
    pub attempts: u32,
    /// Whether and how a proxy is used.
    pub proxy: Option<ProxySettings>,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// Where it is.
    pub place: ProxyPlace,
    /// Hosts that are reached without it; `*` stands for anything.
    pub bypass: Vec<String>,
    /// Whether the client goes without it when it cannot be reached.
    pub direct_fallback: bool,
}

/// Where a proxy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyPlace {
    /// `http://HOST:PORT` or `HOST:PORT`.
    Server(String),
    /// The address of a script that tells.
    Script(String),
    /// Group policy says that there is one, and not where.
    Untold,
}

impl Default for Settings {
    fn default() -> Self {
        Self { url: None, override_url: None, affinity: None, attempts: ATTEMPTS, proxy: None }
    }
}

/// The file does not hold such settings.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is no TOML.
    #[error("it is not TOML: {0}")]
    Form(String),
    /// The template has no such value.
    #[error("{0}: the template has no such value")]
    Unknown(String),
    /// A value is of another kind.
    #[error("{0}: use {1}")]
    Kind(&'static str, &'static str),
}

impl Settings {
    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is not TOML, or has a value that the template has not, or one of another kind.
    pub fn read(text: &str) -> Result<Self, SettingsError> {
        let table: Table =
            text.parse().map_err(|error: toml::de::Error| SettingsError::Form(error.to_string()))?;
        if let Some(name) = table.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(SettingsError::Unknown(name.clone()));
        }
        let attempts = match table.get("MaximumConnectionAttempts") {
            None => ATTEMPTS,
            Some(value) => value
                .as_integer()
                .and_then(|number| u32::try_from(number).ok())
                .filter(|number| (1..=100).contains(number))
                .ok_or(SettingsError::Kind("MaximumConnectionAttempts", "a number from 1 to 100"))?,
        };
        Ok(Self {
            url: string(&table, "SelfServiceUrl")?,
            override_url: string(&table, "OverrideUrl")?,
            affinity: string(&table, "RealmAffinity")?,
            attempts,
            proxy: proxy(&table)?,
        })
    }
}

fn proxy(table: &Table) -> Result<Option<ProxySettings>, SettingsError> {
    if !switch(table, "EnableProxy")? {
        return Ok(None);
    }
    let place = match (string(table, "ProxyServer")?, string(table, "ProxyScriptUrl")?) {
        (Some(server), _) => ProxyPlace::Server(server),
        (None, Some(script)) => ProxyPlace::Script(script),
        (None, None) => ProxyPlace::Untold,
    };
    let bypass = string(table, "ProxyBypass")?.map(|list| bypass(&list)).unwrap_or_default();
    Ok(Some(ProxySettings { place, bypass, direct_fallback: switch(table, "ProxyDirectFallback")? }))
}

/// Hosts, with semicolons between.
#[must_use]
pub fn bypass(list: &str) -> Vec<String> {
    list.split(';').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect()
}

fn string(table: &Table, name: &'static str) -> Result<Option<String>, SettingsError> {
    match table.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(SettingsError::Kind(name, "a text")),
    }
}

/// On and off, as the registry holds them too: 1 and 0.
fn switch(table: &Table, name: &'static str) -> Result<bool, SettingsError> {
    match table.get(name) {
        None | Some(Value::Boolean(false) | Value::Integer(0)) => Ok(false),
        Some(Value::Boolean(true) | Value::Integer(1)) => Ok(true),
        Some(_) => Err(SettingsError::Kind(name, "true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_values_of_the_template_and_no_others() {
        let text = "OverrideUrl = ' https://a/PMUser/ '\nEnableProxy = 1\nProxyServer = 'http://p:8080'\n\
                    ProxyBypass = '*.Corp; b'\nTileTexts = { en = 'x' }\nMaximumConnectionAttempts = 3\n";
        let settings = Settings::read(text).unwrap();
        assert_eq!(settings.override_url.as_deref(), Some("https://a/PMUser/"));
        assert_eq!(settings.attempts, 3);
        let proxy = settings.proxy.unwrap();
        assert_eq!(proxy.place, ProxyPlace::Server("http://p:8080".to_owned()));
        assert_eq!((proxy.bypass, proxy.direct_fallback), (vec!["*.corp".to_owned(), "b".to_owned()], false));
        assert_eq!(Settings::read("ProxyServer = 'p:1'").unwrap(), Settings::default(), "it is not enabled");
        for (bad, what) in [
            ("Nonsense = 1", "Nonsense: the template has no such value"),
            ("OverrideUrl = 5", "OverrideUrl: use a text"),
            ("MaximumConnectionAttempts = 0", "MaximumConnectionAttempts: use a number from 1 to 100"),
            ("EnableProxy = 'yes'", "EnableProxy: use true or false"),
        ] {
            assert_eq!(Settings::read(bad).unwrap_err().to_string(), what);
        }
    }
}
