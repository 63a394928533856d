//! *Enable account*: takes the disabled mark off. The password stays.

use crate::page_error::Failure;
use crate::workflow::{Context, Verdict, under_ticket};
use passquorum_domain::ticket::TicketKind;

pub(super) async fn run(context: &Context<'_>) -> Result<Verdict, Failure> {
    let user = context.known_user()?.clone();
    let directory = context.directory(&user).await?;
    let work = async move { directory.enable(&user).await };
    Ok(under_ticket(context, TicketKind::Enable, work).await?.verdict())
}
