//! The part of the fuzz targets that needs this module's own forms.

use super::fields::Fields;
use super::policy_form;
use crate::extract::Form;
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, DomainConnection, RealmConfig};
use passquorum_domain::ids::{ConnectionId, PolicyId};
use uuid::Uuid;

/// Reads a form as the one of a policy, and shows what was read again with its problems.
pub(crate) fn fields(form: Form) {
    let mut config = RealmConfig::empty();
    config.connections.push(DomainConnection {
        id: ConnectionId(Uuid::from_u128(1)),
        alias: "EXAMPLE".into(),
        endpoint: DirectoryEndpoint::Embedded,
        profile_attribute: "comment".into(),
        former_profile_attribute: None,
    });
    let present = policy_form::blank(
        PolicyId(Uuid::from_u128(2)),
        passquorum_domain::feature_level::FeatureLevel::FIRST,
        || Uuid::from_u128(3),
    );
    let mut fields = Fields::new(form);
    let policy = policy_form::read(&mut fields, &present, &config);
    fields.take_problems();
    policy_form::sections(&policy, &config);
    if let Err(problems) = config.with(ConfigChange::PutPolicy(Box::new(policy.clone()))) {
        policy_form::located(problems, &policy);
    }
}
