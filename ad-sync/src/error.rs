//! What a domain controller's answers mean: LDAP result codes (RFC 4511, appendix A) and the Win32 error that Active
//! Directory puts in front of its message (MS-ERREF 2.2), as `DirectoryReason`, code and retry class.

use ldap3::LdapResult;
use passquorum_domain::ports::{BarredReason, DirectoryError, DirectoryReason, PasswordCheck, Retry};

/// A request that did not end well on one connection.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No answer, and nothing that was sent changes anything: it may be tried elsewhere.
    NotDone,
    /// A request that changes something was sent and no answer came.
    NoAnswer,
    /// The controller said no.
    Refused(LdapResult),
    /// It was decided here.
    Because(DirectoryReason),
}

/// LDAP result codes that are told apart.
mod ldap_code {
    pub(super) const ADMIN_LIMIT_EXCEEDED: u32 = 11;
    pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
    pub(super) const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
    pub(super) const NO_SUCH_OBJECT: u32 = 32;
    pub(super) const INVALID_CREDENTIALS: u32 = 49;
    pub(super) const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
    pub(super) const BUSY: u32 = 51;
    pub(super) const UNAVAILABLE: u32 = 52;
}

/// The error for a reason that was found here or by the network.
pub(crate) fn because(dc: &str, operation: &'static str, reason: DirectoryReason) -> DirectoryError {
    let retry = match reason {
        DirectoryReason::Unreachable => Retry::Safe,
        DirectoryReason::NoAnswer => Retry::Unknown,
        _ => Retry::Pointless,
    };
    DirectoryError { dc: dc.to_owned(), operation, reason, ad_code: None, retry }
}

/// The error for a request that did not end well.
pub(crate) fn of_fault(dc: &str, operation: &'static str, fault: Fault) -> DirectoryError {
    match fault {
        Fault::Refused(result) => refused(dc, operation, &result),
        Fault::Because(reason) => because(dc, operation, reason),
        Fault::NoAnswer => because(dc, operation, DirectoryReason::NoAnswer),
        Fault::NotDone => because(dc, operation, DirectoryReason::Unreachable),
    }
}

/// The error for a controller's answer.
pub(crate) fn refused(dc: &str, operation: &'static str, result: &LdapResult) -> DirectoryError {
    let win32 = win32_code(&result.text);
    let retry = match result.rc {
        ldap_code::BUSY | ldap_code::UNAVAILABLE => Retry::Safe,
        _ => Retry::Pointless,
    };
    DirectoryError {
        dc: dc.to_owned(),
        operation,
        reason: reason(result.rc, win32),
        ad_code: Some(win32.unwrap_or(result.rc)),
        retry,
    }
}

/// The error for a refused bind of the access account.
pub(crate) fn bind_refused(dc: &str, operation: &'static str, result: &LdapResult) -> DirectoryError {
    let ad_code = Some(bind_code(&result.text).unwrap_or(result.rc));
    match result.rc {
        ldap_code::BUSY | ldap_code::UNAVAILABLE => {
            DirectoryError { ad_code, ..because(dc, operation, DirectoryReason::Unreachable) }
        }
        _ => DirectoryError { ad_code, ..because(dc, operation, DirectoryReason::BindRefused) },
    }
}

fn reason(ldap: u32, win32: Option<u32>) -> DirectoryReason {
    match (ldap, win32) {
        (_, Some(0x52D)) => DirectoryReason::PasswordPolicy,
        (_, Some(0x56)) => DirectoryReason::WrongPassword,
        (_, Some(0x775)) => DirectoryReason::AccountLocked,
        (_, Some(0x533)) => DirectoryReason::AccountDisabled,
        (_, Some(0x701)) => DirectoryReason::AccountExpired,
        // ERROR_DS_RANGE_CONSTRAINT
        (_, Some(0x2082)) | (ldap_code::ADMIN_LIMIT_EXCEEDED, _) => DirectoryReason::TooLarge,
        // ERROR_DS_SINGLE_VALUE_CONSTRAINT: another value got there first.
        (_, Some(0x2081)) | (ldap_code::NO_SUCH_ATTRIBUTE | ldap_code::ATTRIBUTE_OR_VALUE_EXISTS, _) => {
            DirectoryReason::Changed
        }
        (ldap_code::INSUFFICIENT_ACCESS_RIGHTS, _) => DirectoryReason::AccessDenied,
        (ldap_code::NO_SUCH_OBJECT, _) => DirectoryReason::NotFound,
        _ => DirectoryReason::Refused,
    }
}

/// What the answer to a user's bind says of the password; nothing when it is about something else.
pub(crate) fn password_verdict(result: &LdapResult) -> Option<PasswordCheck> {
    match (result.rc, bind_code(&result.text)) {
        (0, _) => Some(PasswordCheck::Right),
        (ldap_code::INVALID_CREDENTIALS, Some(code)) => match code {
            0x525 | 0x52E => Some(PasswordCheck::Wrong),
            0x530 | 0x531 => Some(PasswordCheck::Barred(BarredReason::Restricted)),
            0x532 | 0x773 => Some(PasswordCheck::RightButMustChange),
            0x533 => Some(PasswordCheck::Barred(BarredReason::Disabled)),
            0x701 => Some(PasswordCheck::Barred(BarredReason::Expired)),
            0x775 => Some(PasswordCheck::Barred(BarredReason::Locked)),
            _ => None,
        },
        _ => None,
    }
}

/// The eight hexadecimal digits that Active Directory begins its messages with.
fn win32_code(message: &str) -> Option<u32> {
    let digits = message.get(..8)?;
    let ends = !message.get(8..9).is_some_and(|next| next.starts_with(|c: char| c.is_ascii_alphanumeric()));
    if ends && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

/// The `data 52e` of a refused bind.
fn bind_code(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("data ")?;
    let digits = rest.split(|c: char| !c.is_ascii_hexdigit()).next()?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.to_owned(), refs: Vec::new(), ctrls: Vec::new() }
    }

    #[test]
    fn every_known_answer_has_its_reason_and_code() {
        let table = [
            // Active Directory and Samba use different LDAP codes for one thing; the Win32 error decides.
            (
                53,
                "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0",
                "PasswordPolicy",
                0x52D,
            ),
            (
                19,
                "0000052D: Constraint violation - check_password_restrictions: the password is too short",
                "PasswordPolicy",
                0x52D,
            ),
            (19, "00000056: AtrErr: DSID-03191083, #1: 0: 00000056", "WrongPassword", 0x56),
            (19, "00000775: AtrErr: DSID-0, #1", "AccountLocked", 0x775),
            (
                50,
                "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0",
                "AccessDenied",
                0x2098,
            ),
            (50, "", "AccessDenied", 50),
            (32, "0000208D: NameErr: DSID-0310028B, problem 2001 (NO_OBJECT), data 0", "NotFound", 0x208D),
            (16, "00002085: AtrErr: DSID-03190F80, #1:", "Changed", 0x2085),
            (20, "00002083: AtrErr: DSID-031519D8, #1:", "Changed", 0x2083),
            (19, "00002081: AtrErr: DSID-031519D8, #1:", "Changed", 0x2081),
            (19, "00002082: AtrErr: DSID-03191041, #1:", "TooLarge", 0x2082),
            (11, "00002024: SvcErr", "TooLarge", 0x2024),
            (53, "unwilling", "Refused", 53),
        ];
        for (rc, text, reason, code) in table {
            let error = refused("dc1", "reset password", &answer(rc, text));
            assert_eq!(format!("{:?}", error.reason), reason, "{rc} {text}");
            assert_eq!(error.ad_code, Some(code), "{rc} {text}");
            assert_eq!(error.retry, Retry::Pointless);
        }
        assert_eq!(refused("dc1", "find", &answer(51, "")).retry, Retry::Safe);
    }

    #[test]
    fn every_bind_code_has_its_verdict() {
        let text = |code: &str| {
            format!(
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {code}, v3839"
            )
        };
        let verdict = |code| password_verdict(&answer(49, &text(code)));
        assert_eq!(password_verdict(&answer(0, "")), Some(PasswordCheck::Right));
        for (codes, expected) in [
            (&["52e", "525"][..], PasswordCheck::Wrong),
            (&["530", "531"], PasswordCheck::Barred(BarredReason::Restricted)),
            (&["532", "773"], PasswordCheck::RightButMustChange),
            (&["533"], PasswordCheck::Barred(BarredReason::Disabled)),
            (&["701"], PasswordCheck::Barred(BarredReason::Expired)),
            (&["775"], PasswordCheck::Barred(BarredReason::Locked)),
        ] {
            for code in codes {
                assert_eq!(verdict(code), Some(expected), "{code}");
            }
        }
        assert_eq!(verdict("999"), None);
        assert_eq!(password_verdict(&answer(52, &text("52e"))), None);
    }

    #[test]
    fn what_was_not_sent_is_safe_and_silence_is_unknown() {
        assert_eq!(because("", "find", DirectoryReason::Unreachable).retry, Retry::Safe);
        assert_eq!(because("", "find", DirectoryReason::NoAnswer).retry, Retry::Unknown);
        assert_eq!(because("", "find", DirectoryReason::UntrustedCertificate).retry, Retry::Pointless);
    }

    proptest! {
        #[test]
        fn any_message_is_read_without_a_panic(rc in any::<u32>(), text in any::<String>()) {
            refused("dc", "find", &answer(rc, &text));
            bind_refused("dc", "find", &answer(rc, &text));
            password_verdict(&answer(rc, &text));
        }
    }
}
