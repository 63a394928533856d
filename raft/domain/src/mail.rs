//! Mail that the realm sends: how it is configured, the outbox that the log holds, and what a mail says.
//!
//! Invariants: whoever a mail goes to and what it says is in the log sealed only; a mail is closed once, and what it said is
//! gone from the state by then; no name or text that is put into a mail can add a line to its head. Nothing here sends.

mod address;
mod language;
mod outbox;
mod settings;
mod template;
mod texts;

pub use address::{MailAddress, NotAnAddress};
pub use language::{Language, NotALanguage};
pub use outbox::{Mail, MailClaim, MailResult, MailState, OutboxCount, QueuedMail};
pub use settings::{MailLogin, MailSecurity, MailServer, MailSettings, MailText, Notices};
pub use template::{MailTemplate, Parameter, Parameters, TemplateProblem, check};
pub use texts::{MailWords, built_in_languages, words};
