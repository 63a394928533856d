//! Sealed files at the command line: who is to open a new one, and opening one that is there.

use super::{Failure, secret_input, tell};
use crate::cli::{OpenArgs, SealArgs};
use crate::env::SystemEntropy;
use crate::keyring::WrapKey;
use crate::sealed_file::{Recipient, SealedFile, SealedFileError, Secret, generate_passphrase};
use secrecy::ExposeSecret as _;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Whom a new file is sealed to.
pub(super) struct Sealing {
    /// The recipient.
    pub(super) recipient: Recipient,
    /// What opens it, when it is known here.
    pub(super) key: Option<WrapKey>,
}

/// Chooses the recipient of a new file. A passphrase that is made here is printed once, on standard error.
pub(super) fn seal(args: &SealArgs) -> Result<Sealing, Failure> {
    if let Some(recipient) = &args.recipient {
        return Ok(Sealing { recipient: recipient.clone(), key: None });
    }
    let passphrase = match &args.passphrase_file {
        Some(file) => secret_input::choose(file)?,
        None => {
            let passphrase = generate_passphrase(&SystemEntropy);
            tell("The passphrase of this file. It is shown this once; keep it apart from the file:");
            tell(&format!("\n    {}\n", passphrase.expose_secret()));
            passphrase
        }
    };
    let made = Recipient::of_passphrase(&passphrase, &SystemEntropy);
    let (recipient, key) = made.map_err(|weak| Failure::usage(weak.to_string()))?;
    Ok(Sealing { recipient, key: Some(key) })
}

/// A file that is there, with the key that opens it.
pub(super) fn open(path: &Path, args: &OpenArgs) -> Result<(SealedFile<BufReader<File>>, WrapKey), Failure> {
    let file = File::open(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let file = SealedFile::read(BufReader::new(file)).map_err(|error| named(path, &error))?;
    let key = file.key(secret(&file, args)?).map_err(|error| named(path, &error))?;
    Ok((file, key))
}

/// The error with the file's name.
pub(super) fn named(path: &Path, error: &SealedFileError) -> Failure {
    Failure { exit: super::Exit::Failed, message: format!("{}: {error}", path.display()) }
}

fn secret(file: &SealedFile<BufReader<File>>, args: &OpenArgs) -> Result<Secret, Failure> {
    if let Some(path) = &args.key {
        let content = crate::secret_file::read(path)?;
        let key = std::str::from_utf8(&content).ok().and_then(Secret::of_key_text);
        return key.ok_or_else(|| {
            Failure::usage(format!("{} is no key file of `passquorum backup keygen`", path.display()))
        });
    }
    if args.passphrase_file.is_none() && !file.header().recipient.is_passphrase() {
        let recipient = &file.header().recipient;
        return Err(Failure::usage(format!("it is sealed to {recipient}; give its key file with --key")));
    }
    const QUESTION: &str = "The passphrase of the file, then Enter (it is not shown):";
    let passphrase = match &args.passphrase_file {
        Some(path) => secret_input::from(path, QUESTION)?,
        None => secret_input::line(QUESTION)?,
    };
    Ok(Secret::Passphrase(passphrase))
}
