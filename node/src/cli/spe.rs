//! The grammar of `spe`.

use super::span;
use clap::{Args, Subcommand};
use passquorum_domain::time::Span;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `spe`.
#[derive(Debug, Subcommand)]
pub enum SpeCommand {
    /// Walk the way of a Secure Password Extension client from its settings to the page, and say for each step what was
    /// seen, what is wrong and how to mend it. It changes nothing.
    Diagnose(DiagnoseArgs),
}

/// `spe diagnose`. The account's password is read from a file or standard input, never from the command line.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("from").required(true).multiple(true)
    .args(["servers", "settings", "url", "override_url"])))]
pub struct DiagnoseArgs {
    /// Look for service connection points there: a domain controller, `ldaps://HOST[:PORT]`, or all that DNS names,
    /// `dns://DOMAIN[/SITE]`; give the option again for each.
    #[arg(long = "server", value_parser = server, requires = "bind_name")]
    pub servers: Vec<String>,
    /// With --server dns://: ask these name servers instead of the host's own.
    #[arg(long = "name-server", value_name = "IP:PORT", requires = "servers")]
    pub name_servers: Vec<SocketAddr>,
    /// The account to sign in with: DN, UPN or DOMAIN\name. Any account of the domain may read.
    #[arg(long, requires = "servers")]
    pub bind_name: Option<String>,
    /// A file of mode 0600 whose first line is its password; `-` asks for it.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub password_file: PathBuf,
    /// A PEM file with the authorities that the client's machine trusts, for domain controllers and the site.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    pub authorities: PathBuf,
    /// A TOML file with the client's group policy: the value names of ops/admx/prm_gina.admx. The options below go before
    /// what it says.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// The Self-Service URL of group policy, for when no service connection point can be read.
    #[arg(long)]
    pub url: Option<String>,
    /// The override URL of group policy, which goes before every service connection point.
    #[arg(long)]
    pub override_url: Option<String>,
    /// Take service connection points of this realm only.
    #[arg(long, value_name = "REALM")]
    pub affinity: Option<String>,
    /// How many URLs the client tries [default: 5]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: Option<u32>,
    /// The proxy server, such as http://proxy.example:8080.
    #[arg(long, value_name = "URL", conflicts_with = "proxy_script")]
    pub proxy: Option<String>,
    /// The proxy server configuration script (PAC): a URL or a file. It is read, not run.
    #[arg(long, value_name = "URL")]
    pub proxy_script: Option<String>,
    /// Service connection points that were not refreshed for longer are not taken, such as 48h [default: 24h]
    #[arg(long, value_parser = span)]
    pub max_age: Option<Span>,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

fn server(text: &str) -> Result<String, String> {
    match passquorum_ad_sync::client_view::check_server(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
