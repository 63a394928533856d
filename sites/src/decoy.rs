//! What a name is shown that has none of it: questions drawn from the policy's list, and an address that a code might go to. By
//! keyed hash, so that the same name is always shown the same, as a registered user would be.

use crate::page_error::Failure;
use crate::ports::Ports;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::mail::MailAddress;
use passquorum_domain::ports::Purpose;
use passquorum_domain::qa::{QaPolicy, QuestionKind};
use passquorum_domain::workflow::QuestionSort;

/// Questions as people write them themselves.
const OWN: [&str; 12] = [
    "What did I call my first bicycle?",
    "Where did we spend the first holiday?",
    "What is my grandmother's favourite dish?",
    "Who sat next to me in first class?",
    "Which song did we dance to?",
    "What was the name of our neighbour's dog?",
    "What did I want to become as a child?",
    "Which street did my best friend live in?",
    "What was written on my first T-shirt?",
    "Where did I lose my first tooth?",
    "Which teacher gave me my worst mark?",
    "What stood on the shelf in the hall?",
];

/// The texts of a complete set of questions, each with its sort.
pub(crate) fn questions(
    ports: &Ports,
    qa: &QaPolicy,
    subject: KeyedHash,
) -> Result<Vec<(QuestionSort, String)>, Failure> {
    let texts = |kind| qa.of_kind(kind).map(|question| question.text.as_str()).collect::<Vec<_>>();
    let mandatory = texts(QuestionKind::Mandatory).into_iter().map(str::to_owned).collect();
    let optional = pick(ports, subject, &texts(QuestionKind::Optional), qa.optional_to_register)?;
    let own = pick(ports, subject, &OWN, qa.user_defined_to_register)?;
    let sorted =
        [(QuestionSort::Mandatory, mandatory), (QuestionSort::Optional, optional), (QuestionSort::Own, own)];
    Ok(sorted.into_iter().flat_map(|(sort, texts)| texts.into_iter().map(move |text| (sort, text))).collect())
}

/// A masked address in the realm's own domain. Most people's begins as their account does, so most of these do.
pub(crate) fn masked_address(
    ports: &Ports,
    subject: KeyedHash,
    typed: &str,
    sender: &MailAddress,
) -> Result<String, Failure> {
    let data = [b"passquorum decoy address: ".as_slice(), &subject.0].concat();
    let KeyedHash([chance, letter, ..]) = ports.vault.keyed_hash(Purpose::Subject, &data)?;
    let account = typed.rsplit('\\').next().unwrap_or(typed);
    let own = account.chars().next().filter(|first| first.is_ascii_alphanumeric() && chance < 208);
    let first = own.unwrap_or(char::from(b'a' + letter % 26));
    Ok(MailAddress::mask(first, sender.domain()))
}

/// A complete set for an example: the first of each list.
pub(crate) fn example(qa: &QaPolicy) -> Vec<(QuestionSort, String)> {
    let listed = |kind, sort| qa.of_kind(kind).map(move |question| (sort, question.text.clone()));
    let optional =
        listed(QuestionKind::Optional, QuestionSort::Optional).take(qa.optional_to_register as usize);
    let own = OWN.iter().map(|text| (QuestionSort::Own, (*text).to_owned()));
    let own = own.take(qa.user_defined_to_register as usize);
    listed(QuestionKind::Mandatory, QuestionSort::Mandatory).chain(optional).chain(own).collect()
}

/// Picks `count` of the candidates in an order that depends on subject and text alone.
fn pick(ports: &Ports, subject: KeyedHash, candidates: &[&str], count: u32) -> Result<Vec<String>, Failure> {
    let rank = |text: &str| {
        let data = [b"passquorum decoy: ".as_slice(), &subject.0, text.as_bytes()].concat();
        ports.vault.keyed_hash(Purpose::Subject, &data)
    };
    let mut ranked =
        candidates.iter().map(|text| Ok((rank(text)?, *text))).collect::<Result<Vec<_>, Failure>>()?;
    ranked.sort_unstable();
    Ok(ranked.into_iter().take(count as usize).map(|(_, text)| text.to_owned()).collect())
}
