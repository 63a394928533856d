//! The sites, request by request, with every port faked.

mod browser;
mod enumeration;
mod fakes;
mod flows;
mod hostile;
mod lockout;
mod outage;
mod sign_in;
