//! The house rules that a compiler does not keep: who may depend on whom, what a file must and must not hold,
//! which documents exist. A failure names each offender and the rule.

mod arrows;
mod documents;
mod files;
mod workspace;
