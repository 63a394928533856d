//! The workflows that come with the product.

use super::*;

impl Workflow {
    /// The default workflows that a realm at this level may have, with ids from `fresh`.
    pub fn defaults(level: FeatureLevel, mut fresh: impl FnMut() -> WorkflowId) -> Vec<Self> {
        let password = || Activity::AuthenticateWithPassword(PasswordAuthentication {});
        let questions =
            || Activity::AuthenticateWithQuestions(QuestionAuthentication::asking(AskedQuestions::All));
        let edit = || Activity::EditProfile(EditProfile::default());
        let mut workflow = |kind, name: &str, description: &str, activities| Self {
            id: fresh(),
            kind,
            name: name.to_owned(),
            description: description.to_owned(),
            enabled: kind != WorkflowKind::Notifications,
            hidden: false,
            activities,
        };
        let mut all = vec![
            workflow(
                WorkflowKind::ForgotPassword,
                "Forgot My Password",
                "Answer your security questions and choose a new password.",
                vec![
                    questions(),
                    Activity::ResetPassword(ResetPassword { unlock: true, must_change: false }),
                ],
            ),
            workflow(
                WorkflowKind::UnlockAccount,
                "Unlock My Account",
                "Answer your security questions and unlock your account. Your password stays.",
                vec![questions(), Activity::UnlockAccount(UnlockAccount {})],
            ),
            workflow(
                WorkflowKind::ManagePasswords,
                "Manage My Passwords",
                "Change a password that you still know.",
                vec![password(), Activity::ChangePassword(ChangePassword {})],
            ),
            workflow(
                WorkflowKind::Register,
                "Register",
                "Choose security questions, so that you can help yourself later.",
                vec![password(), edit()],
            ),
            workflow(
                WorkflowKind::ManageProfile,
                "Manage My Profile",
                "Change your security questions and answers.",
                vec![password(), edit()],
            ),
            workflow(
                WorkflowKind::UsePasscode,
                "I Have a Passcode",
                "Use the passcode that the helpdesk gave you, and choose new security questions.",
                vec![Activity::AuthenticateWithPasscode(PasscodeAuthentication {}), edit()],
            ),
            workflow(
                WorkflowKind::Notifications,
                "My Notifications",
                "Choose what you are told of by mail.",
                vec![password(), Activity::SubscribeToNotifications(SubscribeToNotifications::usual())],
            ),
        ];
        all.retain(|workflow| workflow.needs() <= level);
        all
    }
}
