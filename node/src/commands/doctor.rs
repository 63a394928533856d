//! `doctor`: what an error code means and what to do.

use super::{Failure, answer};
use crate::cli::DoctorArgs;
use passquorum_domain::error_code::ErrorCode;

pub(super) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let Some(wanted) = &args.explain else {
        return ErrorCode::ALL.iter().try_for_each(|code| answer(&format!("{code}: {}", code.meaning())));
    };
    let found = ErrorCode::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(wanted.trim()));
    let code = found.ok_or_else(|| {
        Failure::usage(format!("there is no code {wanted}; `passquorum doctor` lists them all"))
    })?;
    answer(&format!("{code}\n{}\n{}", code.meaning(), code.remedy()))
}
