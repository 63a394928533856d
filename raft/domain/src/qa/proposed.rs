//! The questions that a new policy is proposed with.

use super::{QaPolicy, Question, QuestionKind};
use crate::ids::QuestionId;

const QUESTIONS: [(QuestionKind, &str); 6] = [
    (QuestionKind::Mandatory, "What was the name of your first school?"),
    (QuestionKind::Mandatory, "In which town did your parents meet?"),
    (QuestionKind::Optional, "What was the name of your first pet?"),
    (QuestionKind::Optional, "What was the first film you saw in a cinema?"),
    (QuestionKind::Optional, "What is the middle name of your oldest cousin?"),
    (QuestionKind::Optional, "Which street did you live in when you were ten?"),
];

impl QaPolicy {
    /// A list, of which three questions are answered. None of one's own: what somebody wrote is shown to whoever types their name.
    #[must_use]
    pub fn proposed(mut fresh: impl FnMut() -> QuestionId) -> Self {
        let question =
            |(kind, text): (QuestionKind, &str)| Question { id: fresh(), kind, text: text.to_owned() };
        Self {
            questions: QUESTIONS.into_iter().map(question).collect(),
            optional_to_register: 1,
            user_defined_to_register: 0,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
            keep_mandatory_answers: false,
        }
    }
}
