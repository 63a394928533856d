//! Passcodes as the sites make and compare them: the text stays here, the log gets its keyed hash.

use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::passcode::PasscodeText;
use passquorum_domain::ports::{Purpose, VaultError};
use zeroize::Zeroizing;

/// What a person's passcode is kept under.
pub(crate) fn secret(
    ports: &Ports,
    subject: KeyedHash,
    text: &PasscodeText,
) -> Result<KeyedHash, VaultError> {
    let data = Zeroizing::new([subject.0.as_slice(), text.expose().as_bytes()].concat());
    ports.vault.keyed_hash(Purpose::Passcode, &data)
}

/// A fresh one, with what it is kept under.
pub(crate) fn fresh(
    ports: &Ports,
    subject: KeyedHash,
    length: usize,
) -> Result<(PasscodeText, KeyedHash), Failure> {
    let mut random = Zeroizing::new([0; PasscodeText::MOST]);
    ports.entropy.fill(&mut *random);
    let text = PasscodeText::made_of(&random, length);
    let secret = secret(ports, subject, &text)?;
    Ok((text, secret))
}
