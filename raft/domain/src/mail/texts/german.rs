//! The texts in German.

use crate::mail::{Language, MailTemplate};

pub(super) fn language() -> Language {
    // A plain tag is one.
    "de".parse().unwrap_or_default()
}

pub(super) fn text(template: MailTemplate) -> (&'static str, &'static str) {
    match template {
        MailTemplate::PasswordReset => (
            "Ihr Kennwort wurde zurückgesetzt",
            "Guten Tag {user_name},

das Kennwort Ihres Kontos {account} wurde am {time} über „{task}“ zurückgesetzt.

Wenn Sie das selbst waren, müssen Sie nichts weiter tun. Wenn nicht, melden Sie es bitte sofort Ihrem Helpdesk: Dann hat vielleicht jemand anderes Ihre Sicherheitsfragen beantwortet.

{organisation}
{site}
",
        ),
        MailTemplate::PasswordChanged => (
            "Ihr Kennwort wurde geändert",
            "Guten Tag {user_name},

das Kennwort Ihres Kontos {account} wurde am {time} geändert.

Wenn Sie das selbst waren, müssen Sie nichts weiter tun. Wenn nicht, melden Sie es bitte sofort Ihrem Helpdesk: Dann kennt jemand anderes Ihr Kennwort.

{organisation}
{site}
",
        ),
        MailTemplate::AccountUnlocked => (
            "Ihr Konto wurde entsperrt",
            "Guten Tag {user_name},

Ihr Konto {account} wurde am {time} entsperrt. Ihr Kennwort ist dasselbe wie zuvor.

Wenn Sie das nicht selbst waren, melden Sie es bitte sofort Ihrem Helpdesk: Dann hat vielleicht jemand anderes Ihre Sicherheitsfragen beantwortet.

{organisation}
{site}
",
        ),
        MailTemplate::Registered => (
            "Sie sind für den Self-Service registriert",
            "Guten Tag {user_name},

für Ihr Konto {account} wurden am {time} Sicherheitsfragen hinterlegt. Mit Ihren Antworten können Sie Ihr Kennwort selbst zurücksetzen und Ihr Konto selbst entsperren.

Wenn Sie das nicht selbst waren, melden Sie es bitte sofort Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::ProfileChanged => (
            "Ihre Sicherheitsfragen wurden geändert",
            "Guten Tag {user_name},

die Sicherheitsfragen Ihres Kontos {account} wurden am {time} geändert.

Wenn Sie das selbst waren, müssen Sie nichts weiter tun. Wenn nicht, melden Sie es bitte sofort Ihrem Helpdesk: Wer die Antworten kennt, kann Ihr Kennwort zurücksetzen.

{organisation}
{site}
",
        ),
        MailTemplate::TaskDone => (
            "Erledigt: {task}",
            "Guten Tag {user_name},

„{task}“ wurde für Ihr Konto {account} am {time} ausgeführt.

Wenn Sie das nicht selbst waren, melden Sie es bitte sofort Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::TaskFailed => (
            "Nicht erledigt: {task}",
            "Guten Tag {user_name},

„{task}“ für Ihr Konto {account} konnte am {time} nicht abgeschlossen werden ({reason}).

Sie können es noch einmal versuchen. Wenn es wieder misslingt, wenden Sie sich an Ihren Helpdesk und nennen Sie den Code in der Klammer. Wenn Sie das nicht selbst waren, melden Sie es bitte sofort Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::LockLifted => (
            "Der Helpdesk hat Ihre Self-Service-Sperre aufgehoben",
            "Guten Tag {user_name},

der Self-Service für Ihr Konto {account} war nach zu vielen falschen Antworten gesperrt. Der Helpdesk hat diese Sperre am {time} aufgehoben; Sie können Ihre Sicherheitsfragen wieder beantworten.

Wenn Sie nicht darum gebeten haben, melden Sie es bitte sofort Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskReset => (
            "Der Helpdesk hat Ihr Kennwort zurückgesetzt",
            "Guten Tag {user_name},

der Helpdesk hat am {time} ein neues Kennwort für Ihr Konto {account} gesetzt. Ihr altes Kennwort gilt nicht mehr.

Wenn Sie nicht darum gebeten haben, melden Sie es bitte sofort Ihrem Helpdesk: Dann hat vielleicht jemand anderes in Ihrem Namen angerufen.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskUnlocked => (
            "Der Helpdesk hat Ihr Konto entsperrt",
            "Guten Tag {user_name},

der Helpdesk hat am {time} Ihr Konto {account} entsperrt. Ihr Kennwort ist dasselbe wie zuvor.

Wenn Sie nicht darum gebeten haben, melden Sie es bitte sofort Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskEnabled => (
            "Der Helpdesk hat Ihr Konto aktiviert",
            "Guten Tag {user_name},

der Helpdesk hat am {time} Ihr Konto {account} aktiviert. Ihr Kennwort ist dasselbe wie zuvor.

Wenn Sie nicht darum gebeten haben, melden Sie es bitte sofort Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::MustChangePassword => (
            "Sie müssen Ihr Kennwort ändern",
            "Guten Tag {user_name},

der Helpdesk hat am {time} bestimmt, dass das Kennwort Ihres Kontos {account} geändert werden muss: Bei der nächsten Anmeldung werden Sie nach einem neuen gefragt.

Wenn Sie nicht wissen, warum, fragen Sie bitte Ihren Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::MustUpdateProfile => (
            "Bitte wählen Sie neue Sicherheitsfragen",
            "Guten Tag {user_name},

der Helpdesk hat am {time} bestimmt, dass die Sicherheitsfragen Ihres Kontos {account} neu gewählt werden müssen. Sie werden danach gefragt, wenn Sie diese Seite das nächste Mal benutzen.

Wenn Sie nicht wissen, warum, fragen Sie bitte Ihren Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::PasscodeAssigned => (
            "Der Helpdesk hat Ihnen einen Passcode gegeben",
            "Guten Tag {user_name},

der Helpdesk hat am {time} einen Passcode für Ihr Konto {account} vergeben. Damit können einmal neue Sicherheitsfragen gewählt werden. Der Passcode selbst steht in keiner Mail: Der Helpdesk nennt ihn Ihnen.

Wenn Sie nicht darum gebeten haben, melden Sie es bitte sofort Ihrem Helpdesk: Dann hat vielleicht jemand anderes in Ihrem Namen angerufen.

{organisation}
{site}
",
        ),
        MailTemplate::OneTimeCode => (
            "Ihr Code für {task}",
            "Guten Tag {user_name},

Ihr Code lautet {code}.

Geben Sie ihn auf der Seite ein, die danach gefragt hat. Er gilt einmal und nur für kurze Zeit. Geben Sie ihn niemandem weiter: Ihr Helpdesk wird Sie nie danach fragen.

Wenn Sie keinen Code angefordert haben, hat jemand anderes versucht, Ihr Konto {account} zu benutzen. Melden Sie es bitte Ihrem Helpdesk.

{organisation}
{site}
",
        ),
        MailTemplate::AdministratorDone => (
            "Self-Service: {task}, erledigt für {account}",
            "„{task}“ wurde für {user_name} ({account}) am {time} ausgeführt.

{organisation}
{site}
",
        ),
        MailTemplate::AdministratorFailed => (
            "Self-Service: {task}, misslungen für {account}",
            "„{task}“ für {user_name} ({account}) ist am {time} misslungen: {reason}.

Mehr steht im Audit der Admin-Seite.

{organisation}
{site}
",
        ),
        MailTemplate::Test => (
            "Testmail von {organisation}",
            "Dies ist ein Test der Mailserver von {organisation}. Er wurde am {time} gesendet.

Wenn Sie das lesen, funktionieren sie. Es ist nichts zu tun.

{site}
",
        ),
    }
}
