//! *Authenticate with passcode*: one that the helpdesk assigned, spent by this.

use super::spend::spend;
use crate::extract::Form;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::passcodes;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, Verdict};
use passquorum_domain::command::Action;
use passquorum_domain::passcode::PasscodeText;

pub(super) async fn run(context: &Context<'_>, form: &Form) -> Result<Verdict, Failure> {
    let mut problems = Problems::default();
    let Ok(typed) = PasscodeText::parse(form.text("passcode").unwrap_or("")) else {
        let (least, most) = (PasscodeText::LEAST, PasscodeText::MOST);
        problems.add("passcode", Key("not-a-passcode").with("least", least).with("most", most));
        return Ok(Verdict::Again(problems));
    };
    let subject = context.subject();
    let secret = passcodes::secret(&context.app.ports, subject, &typed)?;
    spend(context, "passcode", text::WRONG_PASSCODE, Action::SpendPasscode { subject, secret }).await
}
