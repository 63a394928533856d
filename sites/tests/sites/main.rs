//! The sites, request by request, with every port faked.

mod admin;
mod api;
mod browser;
mod enumeration;
mod fakes;
mod flows;
mod helpdesk;
mod helpdesk_tasks;
mod history;
mod hostile;
mod legacy;
mod lockout;
mod logon;
mod notify;
mod outage;
mod perimeter;
mod policies;
mod rewritten;
mod sign_in;
mod staff;
mod ways;
mod workflows;
