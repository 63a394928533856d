//! The grammar of `directory`.

use super::{Local, Output};
use clap::{Args, Subcommand, ValueEnum};
use passquorum_domain::directory::DistinguishedName;

/// `directory`.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Change the access account, or its password, once a domain controller takes it. Nothing is interrupted.
    SetAccount(AccountArgs),
    /// Look whether the access account has the rights that it needs, and none that it should not have. Changes nothing.
    Check(CheckArgs),
    /// Write the script that delegates these rights, and no more, for an administrator of the domain to run. Asks nobody.
    Delegate(DelegateArgs),
    /// Show and tidy up the service connection points by which legacy clients find the sites.
    #[command(subcommand)]
    Points(PointsCommand),
    /// Show the container that the realm is mirrored in, or have it made anew.
    #[command(subcommand)]
    Mirror(MirrorCommand),
}

/// `directory check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// Look at users below this OU; may be given several times [default: those that the policies serve]
    #[arg(long, value_name = "DN", value_parser = dn)]
    pub ou: Vec<DistinguishedName>,
    /// Look at this user; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,
    /// Where service connection points are made, such as CN=One Identity,CN=System,DC=…; may be given several times.
    #[arg(long, value_name = "DN", value_parser = dn)]
    pub container: Vec<DistinguishedName>,
}

/// `directory delegate`.
#[derive(Debug, Clone, Args)]
pub struct DelegateArgs {
    /// The tool that runs it.
    #[arg(long)]
    pub form: DelegationForm,
    /// The access account, by its sAMAccountName; for dsacls with the domain, such as CORP\svc-sspr.
    #[arg(long, value_parser = account)]
    pub account: AccountName,
    /// Users below this OU are served; may be given several times.
    #[arg(long, value_name = "DN", value_parser = dn, required = true)]
    pub ou: Vec<DistinguishedName>,
    /// The attribute that holds profiles.
    #[arg(long, default_value = "comment", value_parser = attribute)]
    pub attribute: String,
    /// Where the mirror or service connection points are made; may be given several times. It has to be there.
    #[arg(long, value_name = "DN", value_parser = dn)]
    pub container: Vec<DistinguishedName>,
    /// Also grant what pushing changes to AD sites needs (`connection set --push-site`).
    #[arg(long, value_name = "TO")]
    pub push: Option<PushTo>,
}

/// Which controllers changes are pushed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PushTo {
    /// Those that keep everything.
    Controllers,
    /// Read-only ones too, which fetch passwords on their own.
    ReadOnlyToo,
}

/// A tool that writes access lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DelegationForm {
    /// A shell script for Samba's own tools.
    SambaTool,
    /// A batch file for Windows.
    Dsacls,
}

/// An account's name, with or without its domain. It has only characters that no shell, filter or list reads as more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName {
    /// The domain's short name.
    pub domain: Option<String>,
    /// The sAMAccountName.
    pub name: String,
}

fn account(text: &str) -> Result<AccountName, String> {
    let (domain, name) = match text.split_once('\\') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    let is_plain = |part: &str| {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '$');
        !part.is_empty() && !part.starts_with('-') && part.chars().all(plain)
    };
    if !is_plain(name) || !domain.is_none_or(is_plain) {
        return Err("use NAME or DOMAIN\\NAME, of letters, digits and - _ . $".to_owned());
    }
    Ok(AccountName { domain: domain.map(str::to_owned), name: name.to_owned() })
}

fn attribute(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("use the attribute's LDAP name, such as comment".to_owned())
    }
}

fn dn(text: &str) -> Result<DistinguishedName, String> {
    DistinguishedName::parse(text).map_err(|problem| problem.to_string())
}

/// `directory points`.
#[derive(Debug, Subcommand)]
pub enum PointsCommand {
    /// List those of every domain, whosever they are: sites, age, and what to make of each.
    List(Output),
    /// Remove one that this realm does not keep, such as the replaced product's.
    Remove(RemovePointArgs),
}

/// `directory points remove`.
#[derive(Debug, Clone, Args)]
pub struct RemovePointArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// Its distinguished name, as `directory points list` shows it.
    pub dn: String,
    /// Do not ask for the organisation's name.
    #[arg(long)]
    pub yes: bool,
}

/// `directory mirror`.
#[derive(Debug, Subcommand)]
pub enum MirrorCommand {
    /// Say where it is, whether it is true, and how large each part of it is.
    Show(Output),
    /// Remove it; the leader makes it anew within seconds.
    Rebuild(Local),
}

/// `directory set-account`. The password is read from standard input, never from the command line.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// The access account: DN, UPN or DOMAIN\name [default: the present one]
    #[arg(long)]
    pub bind_name: Option<String>,
}
