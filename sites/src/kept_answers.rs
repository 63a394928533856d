//! Answers that the helpdesk may be shown, beside their hashes in a profile: sealed under a key of their own purpose, each
//! bound to the person and the question.
//!
//! Must not know who may see them: that is decided, and told in the audit, before one is opened.

use passquorum_domain::blob::Sealed;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::{Purpose, Vault, VaultError};
use passquorum_domain::qa::{NewAnswer, ProfileEntry, QaPolicy, QaProfile, QuestionOrigin};
use passquorum_domain::secret::Answer;

fn context(guid: ObjectGuid, origin: &QuestionOrigin) -> Option<Vec<u8>> {
    match origin {
        QuestionOrigin::Listed(id) => Some([guid.0.as_slice(), id.0.as_bytes()].concat()),
        QuestionOrigin::UserDefined => None,
    }
}

/// What is kept of each of a registration's answers, in their order.
pub(crate) fn of(
    vault: &dyn Vault,
    guid: ObjectGuid,
    qa: &QaPolicy,
    answers: &[NewAnswer],
) -> Result<Vec<Option<Sealed>>, VaultError> {
    let keep = |given: &NewAnswer| {
        let origin = &given.question.origin;
        let is_kept = qa.kind_of(origin).is_some_and(|kind| qa.keeps_answers(kind));
        let context = context(guid, origin).filter(|_| is_kept);
        let seal =
            |context: Vec<u8>| vault.seal(Purpose::KeptAnswer, &context, given.answer.expose().as_bytes());
        context.map(seal).transpose()
    };
    answers.iter().map(keep).collect()
}

/// Puts what is kept into the profile that was made of the same answers.
pub(crate) fn put(mut profile: QaProfile, kept: Vec<Option<Sealed>>) -> QaProfile {
    profile.entries.iter_mut().zip(kept).for_each(|(entry, kept)| entry.kept = kept);
    profile
}

/// The answer, if it is kept and opens.
pub(crate) fn open(vault: &dyn Vault, guid: ObjectGuid, entry: &ProfileEntry) -> Option<Answer> {
    let context = context(guid, &entry.question.origin)?;
    let clear = vault.open(Purpose::KeptAnswer, &context, entry.kept.as_ref()?).ok()?;
    Answer::parse(std::str::from_utf8(&clear).ok()?.to_owned()).ok()
}

/// Seals what is kept anew, under the data key of now. What does not open stays as it is.
pub(crate) fn sealed_anew(
    vault: &dyn Vault,
    guid: ObjectGuid,
    mut profile: QaProfile,
) -> Result<QaProfile, VaultError> {
    for entry in &mut profile.entries {
        let (Some(answer), Some(context)) = (open(vault, guid, entry), context(guid, &entry.question.origin))
        else {
            continue;
        };
        entry.kept = Some(vault.seal(Purpose::KeptAnswer, &context, answer.expose().as_bytes())?);
    }
    Ok(profile)
}
