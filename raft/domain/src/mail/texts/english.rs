//! The texts in English.

use crate::mail::MailTemplate;

pub(super) fn text(template: MailTemplate) -> (&'static str, &'static str) {
    match template {
        MailTemplate::PasswordReset => (
            "Your password was reset",
            "Hello {user_name},

the password of your account {account} was reset on {time} by way of \"{task}\".

If this was you, there is nothing more to do. If it was not, tell your helpdesk at once: somebody else may have answered your security questions.

{organisation}
{site}
",
        ),
        MailTemplate::PasswordChanged => (
            "Your password was changed",
            "Hello {user_name},

the password of your account {account} was changed on {time}.

If this was you, there is nothing more to do. If it was not, tell your helpdesk at once: somebody else knows your password.

{organisation}
{site}
",
        ),
        MailTemplate::AccountUnlocked => (
            "Your account was unlocked",
            "Hello {user_name},

your account {account} was unlocked on {time}. Your password is the same as before.

If this was not you, tell your helpdesk at once: somebody else may have answered your security questions.

{organisation}
{site}
",
        ),
        MailTemplate::Registered => (
            "You are registered for self-service",
            "Hello {user_name},

security questions for your account {account} were registered on {time}. With your answers you can reset your password and unlock your account yourself.

If this was not you, tell your helpdesk at once.

{organisation}
{site}
",
        ),
        MailTemplate::ProfileChanged => (
            "Your security questions were changed",
            "Hello {user_name},

the security questions of your account {account} were changed on {time}.

If this was you, there is nothing more to do. If it was not, tell your helpdesk at once: whoever knows the answers can reset your password.

{organisation}
{site}
",
        ),
        MailTemplate::TaskDone => (
            "Done: {task}",
            "Hello {user_name},

\"{task}\" was done for your account {account} on {time}.

If this was not you, tell your helpdesk at once.

{organisation}
{site}
",
        ),
        MailTemplate::TaskFailed => (
            "Not done: {task}",
            "Hello {user_name},

\"{task}\" for your account {account} did not come to its end on {time} ({reason}).

You can try again. If it fails once more, ask your helpdesk and give them the code in brackets. If this was not you, tell your helpdesk at once.

{organisation}
{site}
",
        ),
        MailTemplate::LockLifted => (
            "The helpdesk lifted your self-service lock",
            "Hello {user_name},

self-service for your account {account} had been locked after too many wrong answers. The helpdesk lifted that lock on {time}, so that you can answer your security questions again.

If you did not ask for this, tell your helpdesk at once.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskReset => (
            "The helpdesk reset your password",
            "Hello {user_name},

the helpdesk set a new password for your account {account} on {time}. Your old password does not work any more.

If you did not ask for this, tell your helpdesk at once: somebody else may have called in your name.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskUnlocked => (
            "The helpdesk unlocked your account",
            "Hello {user_name},

the helpdesk unlocked your account {account} on {time}. Your password is the same as before.

If you did not ask for this, tell your helpdesk at once.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskEnabled => (
            "The helpdesk enabled your account",
            "Hello {user_name},

the helpdesk enabled your account {account} on {time}. Your password is the same as before.

If you did not ask for this, tell your helpdesk at once.

{organisation}
{site}
",
        ),
        MailTemplate::MustChangePassword => (
            "You must change your password",
            "Hello {user_name},

the helpdesk decided on {time} that the password of your account {account} must be changed: you are asked for a new one when you next log on.

If you do not know why, ask your helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::MustUpdateProfile => (
            "Please choose your security questions anew",
            "Hello {user_name},

the helpdesk decided on {time} that the security questions of your account {account} must be chosen anew. You are asked for that when you next use this site.

If you do not know why, ask your helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::PasscodeAssigned => (
            "The helpdesk assigned you a passcode",
            "Hello {user_name},

the helpdesk assigned a passcode for your account {account} on {time}. With it new security questions can be chosen, once. The passcode itself is in no mail: the helpdesk reads it out to you.

If you did not ask for this, tell your helpdesk at once: somebody else may have called in your name.

{organisation}
{site}
",
        ),
        MailTemplate::OneTimeCode => (
            "Your code for {task}",
            "Hello {user_name},

your code is {code}.

Type it into the page that asked for it. It can be used once, for a short time. Give it to nobody: your helpdesk will never ask for it.

If you did not ask for a code, somebody else has tried to use your account {account}. Tell your helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::AdministratorDone => (
            "Self-service: {task}, done for {account}",
            "\"{task}\" was done for {user_name} ({account}) on {time}.

{organisation}
{site}
",
        ),
        MailTemplate::AdministratorFailed => (
            "Self-service: {task}, failed for {account}",
            "\"{task}\" for {user_name} ({account}) failed on {time}: {reason}.

The audit of the Admin site tells more.

{organisation}
{site}
",
        ),
        MailTemplate::Test => (
            "Test mail of {organisation}",
            "This is a test of the mail servers of {organisation}. It was sent on {time}.

Whoever reads this knows that they work. There is nothing to do.

{site}
",
        ),
    }
}
