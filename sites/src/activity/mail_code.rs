//! *Authenticate with a code by mail*: sent when the user asks for it, to the address that the directory has, and good once, in
//! the run that asked for it.
//!
//! Whoever has no address, and a name that is nobody's, are shown an address as well, and a code is made that goes nowhere.

use super::spend::spend;
use crate::decoy;
use crate::extract::Form;
use crate::limits;
use crate::notify;
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict, Within, task_changed};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::directory::UserRecord;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::mail_code::{MailCodeText, NewMailCode};
use passquorum_domain::ports::{Purpose, VaultError};
use passquorum_domain::workflow::MailCodeAuthentication;
use zeroize::Zeroizing;

pub(super) async fn show(
    context: &Context<'_>,
    settings: MailCodeAuthentication,
) -> Result<StepView, Failure> {
    let record = record(context).await?;
    let mail = context.config().general.mail.as_ref().ok_or_else(task_changed)?;
    let to = match record.as_ref().and_then(notify::address) {
        Some(address) => address.masked(),
        None => {
            let progress = context.progress;
            decoy::masked_address(&context.app.ports, context.subject(), &progress.typed, &mail.sender)?
        }
    };
    let (sent, minutes) = (context.progress.within.code_sent, settings.life.0.div_ceil(60_000));
    Ok(StepView::MailCode { to, sent, digits: settings.digits, minutes })
}

/// The page before a code is sent, for nobody in particular.
pub(super) fn example(settings: MailCodeAuthentication) -> StepView {
    let (to, minutes) = ("j***@example.com".to_owned(), settings.life.0.div_ceil(60_000));
    StepView::MailCode { to, sent: false, digits: settings.digits, minutes }
}

/// Whether a code could reach the person.
pub(super) async fn can_pass(context: &Context<'_>) -> Result<bool, Failure> {
    Ok(record(context).await?.as_ref().and_then(notify::address).is_some())
}

pub(super) async fn run(
    context: &Context<'_>,
    settings: MailCodeAuthentication,
    form: &Form,
) -> Result<Verdict, Failure> {
    if form.text("send").is_some() {
        return send(context, settings).await;
    }
    let mut problems = Problems::default();
    if !context.progress.within.code_sent {
        problems.add("", text::NO_CODE_SENT);
        return Ok(Verdict::Again(problems));
    }
    let Some(typed) = MailCodeText::parse(form.text("code").unwrap_or(""), settings.digits) else {
        problems.add("code", text::not_a_code(settings.digits));
        return Ok(Verdict::Again(problems));
    };
    let subject = context.subject();
    let secret = secret(context, &typed)?;
    spend(context, "code", text::WRONG_CODE, Action::SpendMailCode { subject, secret }).await
}

async fn send(context: &Context<'_>, settings: MailCodeAuthentication) -> Result<Verdict, Failure> {
    let (ports, subject, progress) = (&context.app.ports, context.subject(), context.progress);
    limits::count_source(ports, context.origin).await?;
    let record = record(context).await?;
    let mut random = [0; 16];
    ports.entropy.fill(&mut random);
    let code = MailCodeText::made_of(random, settings.digits);
    let mail = match &record {
        Some(record) => {
            let servers = context.config().general.mail.as_ref().ok_or_else(task_changed)?;
            let wanted = progress.language.as_ref();
            notify::code(ports, servers, record, (progress.name.as_str(), wanted), &code)?
        }
        None => None,
    };
    let secret = secret(context, &code)?;
    let new = Box::new(NewMailCode { subject, secret, life: settings.life, mail });
    let detail = Some(ports.seal_detail(&context.note())?);
    match ports.commit_with(Actor::Anonymous, Action::SendMailCode(new), detail).await {
        Ok(_) => Ok(Verdict::Stays(Within { code_sent: true, ..progress.within })),
        // One that was sent before is still good, so its page stays.
        Err(failure) if failure.code == ErrorCode::Locked => {
            let mut problems = Problems::default();
            problems.add("", text::too_many_codes(failure.until.map(|until| until.since(ports.now()))));
            Ok(Verdict::Again(problems))
        }
        Err(failure) => Err(failure),
    }
}

/// What a code is kept under. A code of another run is another one.
fn secret(context: &Context<'_>, code: &MailCodeText) -> Result<KeyedHash, VaultError> {
    let (run, subject) = (context.progress.run, context.subject());
    let data = Zeroizing::new([run.as_bytes().as_slice(), &subject.0, code.expose().as_bytes()].concat());
    context.app.ports.vault.keyed_hash(Purpose::MailCode, &data)
}

async fn record(context: &Context<'_>) -> Result<Option<UserRecord>, Failure> {
    let Some(user) = context.user() else { return Ok(None) };
    Ok(Some(context.directory(user).await?.read(user).await?))
}
