//! The sites, request by request, with every port faked.

mod admin;
mod api;
mod browser;
mod captcha;
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
mod mail_code;
mod notify;
mod outage;
mod own_tasks;
mod perimeter;
mod policies;
mod rewritten;
mod sign_in;
mod staff;
mod ways;
mod workflows;
