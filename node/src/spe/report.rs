//! What was found: steps in their order, each with a verdict, and the faults by name with what mends them.

use serde::Serialize;
use std::fmt;

/// A part of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What group policy says.
    Settings,
    /// Domain controllers, as DNS or the command line names them.
    Controllers,
    /// Signing in to one of them.
    SignIn,
    /// The service connection points.
    Points,
    /// Whether the user has to register.
    Registration,
    /// Which URL the client takes.
    Choice,
    /// The proxy or its script.
    Proxy,
    /// The address of a host.
    Name,
    /// TCP.
    Connection,
    /// TLS and the certificate.
    Certificate,
    /// Where HTTP leads.
    Redirects,
    /// What is there.
    Page,
    /// Who answers when it is asked again.
    Balancer,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// The client gets on, but somebody should look at it.
    Doubtful,
    /// The client does not get on here.
    Wrong,
    /// Not looked at.
    Skipped,
}

macro_rules! faults {
    ($($name:ident = $code:literal, $mend:literal;)*) => {
        /// What can be wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault {
            $(#[doc = $mend] $name,)*
        }

        impl Fault {
            /// Its name.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What to do about it.
            #[must_use]
            pub fn mend(self) -> &'static str {
                match self { $(Self::$name => $mend),* }
            }
        }
    };
}

faults! {
    ControllersUnknown = "controllers-unknown", "Let the client's name servers know the domain, or name a controller with --server.";
    ControllerUnreachable = "controller-unreachable", "Start the domain controller, or open port 636 to it.";
    ControllerUntrusted = "controller-untrusted", "Give the authority of the controller's certificate with --authorities, or give the controller a certificate for the name that is asked for.";
    SignInRefused = "sign-in-refused", "Give an account of the domain and its password; any that may read will do.";
    PointsUnreadable = "points-unreadable", "Let the account read below CN=One Identity,CN=System.";
    NoPoint = "no-point", "Have the realm publish service connection points, or give clients a URL by group policy.";
    PointStale = "point-stale", "Delete the object if its server is gone (ADSI Edit, attribute keywords); else see why its server does not refresh it.";
    PointInFuture = "point-in-future", "Set the clock of its server right and have it publish again, or delete the object: clients prefer it to every true one.";
    PointUnreadable = "point-unreadable", "Delete the object, or mend CONFIGURATION.SERVER_URLS and CONFIGURATION.TIME_STAMP among its keywords.";
    ForeignPointNewer = "foreign-point-newer", "Delete the other product's object, or set the realm affinity of clients to this realm.";
    RealmUnknown = "realm-unknown", "Correct the realm affinity in group policy; passquorum status shows the realm's id.";
    AllPointsUnfit = "all-points-unfit", "Mend what is said of each point above.";
    NoUrl = "no-url", "Have the realm publish service connection points, or give clients a URL by group policy.";
    UrlInvalid = "url-invalid", "Write https://HOST/PMUser/ where this URL comes from: Realm Instances for service connection points, else group policy.";
    UrlInClear = "url-in-clear", "Use https:// where this URL comes from.";
    ProxySettingsWrong = "proxy-settings-wrong", "Write the proxy server as http://HOST:PORT, or the address of its script.";
    ProxyScriptUnreadable = "proxy-script-unreadable", "Let the script be read without a password at the address in group policy, or name the proxy server itself.";
    ProxyScriptAssumed = "proxy-script-assumed", "Name the proxy server itself in group policy if a client must not depend on the script.";
    ProxyUnreachable = "proxy-unreachable", "Correct the proxy server in group policy, or start it.";
    ProxyAuthentication = "proxy-authentication", "Nobody is signed in at the logon screen: have the proxy let this host be reached anonymously, or let clients go around it.";
    ProxyRefused = "proxy-refused", "Have the proxy allow CONNECT to this host and port, or let clients go around it.";
    NameUnresolved = "name-unresolved", "Correct the host where this URL comes from (Realm Instances, group policy), or enter it in DNS.";
    Unreachable = "unreachable", "Start the site or the load balancer, correct the port, or open it in the firewall.";
    CertificateExpired = "certificate-expired", "Renew the certificate: passquorum node renew, or your own file of site.certificate or of the load balancer.";
    CertificateNotYetValid = "certificate-not-yet-valid", "Set the clock of this host right, or have the certificate issued anew.";
    CertificateWrongName = "certificate-wrong-name", "Have the certificate name the host of the URL, or use a host that it names in the URL.";
    CertificateUnknownAuthority = "certificate-unknown-authority", "Have clients trust the authority (group policy, Trusted Root Certification Authorities), and the server send its intermediate certificates.";
    CertificateRefused = "certificate-refused", "Have the certificate issued anew for a web server.";
    TlsFailed = "tls-failed", "Let the server speak TLS 1.2 or 1.3 at this port.";
    NoHttp = "no-http", "See what listens at this port; it does not speak HTTP as a site does.";
    RedirectElsewhere = "redirect-elsewhere", "Let the site redirect within its own host, or publish the URL of the other one.";
    RedirectLoop = "redirect-loop", "Correct the redirects of the load balancer or the site.";
    SiteNotReady = "site-not-ready", "See passquorum status: the node answers, and cannot serve at the moment.";
    NoNodeBehind = "no-node-behind", "Start the nodes, and check the addresses of them in the load balancer.";
    NodeMissing = "node-missing", "Start the node, and check its address in the load balancer; if it is gone for good, passquorum node remove.";
    Uneven = "uneven", "Check each address in the load balancer: one of them is not a node of this realm, or does not serve.";
    Stranger = "stranger", "Delete the service connection point or correct the URL: another program answers here.";
    TaskMissing = "task-missing", "Enable Forgot My Password in a management policy.";
}

impl Fault {
    /// Whether the same walk may go well later without anything being mended by hand.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::ControllerUnreachable | Self::SiteNotReady | Self::NoNodeBehind)
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// The URL or the object that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen.
    pub saw: String,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// How to mend that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<&'static str>,
}

/// All of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The URL whose page a client ends at.
    pub url: Option<String>,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Report {
    fn add(
        &mut self,
        stage: Stage,
        about: Option<&str>,
        verdict: Verdict,
        saw: String,
        fault: Option<Fault>,
    ) {
        let mend = fault.map(Fault::mend);
        self.steps.push(Step { stage, about: about.map(str::to_owned), verdict, saw, fault, mend });
    }

    pub(super) fn good(&mut self, stage: Stage, about: Option<&str>, saw: impl Into<String>) {
        self.add(stage, about, Verdict::Good, saw.into(), None);
    }

    pub(super) fn skipped(&mut self, stage: Stage, saw: impl Into<String>) {
        self.add(stage, None, Verdict::Skipped, saw.into(), None);
    }

    pub(super) fn doubtful(
        &mut self,
        stage: Stage,
        about: Option<&str>,
        fault: Fault,
        saw: impl Into<String>,
    ) {
        self.add(stage, about, Verdict::Doubtful, saw.into(), Some(fault));
    }

    pub(super) fn wrong(&mut self, stage: Stage, about: Option<&str>, fault: Fault, saw: impl Into<String>) {
        self.add(stage, about, Verdict::Wrong, saw.into(), Some(fault));
    }

    fn wrongs(&self) -> impl Iterator<Item = Fault> {
        self.steps.iter().filter(|step| step.verdict == Verdict::Wrong).filter_map(|step| step.fault)
    }

    /// Whether a client gets to the page and nothing on its way is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.url.is_some() && self.wrongs().next().is_none()
    }

    /// Whether it did not go well, and may later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        !self.is_good() && self.wrongs().next().is_some() && self.wrongs().all(Fault::is_temporary)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Settings => "settings",
            Self::Controllers => "controllers",
            Self::SignIn => "sign-in",
            Self::Points => "points",
            Self::Registration => "profile",
            Self::Choice => "choice",
            Self::Proxy => "proxy",
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Certificate => "certificate",
            Self::Redirects => "redirects",
            Self::Page => "page",
            Self::Balancer => "balancer",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Doubtful => "doubtful",
            Verdict::Wrong => "WRONG",
            Verdict::Skipped => "skipped",
        };
        write!(f, "{verdict:<8}  {:<11}  ", self.stage)?;
        if let Some(about) = &self.about {
            write!(f, "{about}: ")?;
        }
        f.write_str(&self.saw)?;
        if let (Some(fault), Some(mend)) = (self.fault, self.mend) {
            write!(f, "\n{:23}{}: {mend}", "", fault.code())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_ends_depends_on_what_is_wrong_only() {
        let mut report = Report { url: Some("https://a/".to_owned()), steps: Vec::new() };
        report.good(Stage::Page, None, "ours");
        report.doubtful(Stage::Points, Some("CN=x"), Fault::PointStale, "old");
        assert!(report.is_good() && !report.is_temporary());
        report.wrong(Stage::Page, None, Fault::SiteNotReady, "503");
        assert!(!report.is_good() && report.is_temporary());
        report.wrong(Stage::Name, None, Fault::NameUnresolved, "no such host");
        assert!(!report.is_good() && !report.is_temporary());
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["steps"][3]["fault"], Fault::NameUnresolved.code());
        assert!(report.steps[1].to_string().contains("point-stale: Delete the object"));
    }
}
