//! An edit form as data: sections of inputs, each with its value and what is wrong with it. One template shows them all.

use super::fields::Fields;
use passquorum_domain::config::Problem;

/// A group of inputs under one heading.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) inputs: Vec<Input>,
}

/// One input.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) control: Control,
    pub(super) problem: Option<String>,
}

/// How it is entered, and its value.
pub(super) enum Control {
    /// One line.
    Line(String),
    /// A whole number.
    Number(String),
    /// One entry a line.
    Lines(String),
    /// Paragraphs.
    Text(String),
    /// A box to tick.
    Check(bool),
    /// One of a list.
    Choice {
        /// What is chosen.
        value: String,
        /// What may be: how it is sent, and what it is called.
        options: Vec<(&'static str, &'static str)>,
    },
    /// A secret that is written and never shown; one that was just typed, sealed for this browser.
    Secret(Option<String>),
}

impl Section {
    /// A section.
    pub(super) fn new(title: impl Into<String>, note: impl Into<String>, inputs: Vec<Input>) -> Self {
        Self { title: title.into(), note: note.into(), inputs }
    }
}

impl Input {
    fn new(name: impl Into<String>, label: &str, hint: &str, control: Control) -> Self {
        let (label, hint) = (label.to_owned(), hint.to_owned());
        Self { name: name.into(), label, hint, control, problem: None }
    }

    /// One line.
    pub(super) fn line(name: impl Into<String>, label: &str, hint: &str, value: &str) -> Self {
        Self::new(name, label, hint, Control::Line(value.to_owned()))
    }

    /// A whole number.
    pub(super) fn number(name: impl Into<String>, label: &str, hint: &str, value: impl ToString) -> Self {
        Self::new(name, label, hint, Control::Number(value.to_string()))
    }

    /// One entry a line.
    pub(super) fn lines(
        name: impl Into<String>,
        label: &str,
        hint: &str,
        values: impl IntoIterator<Item = impl ToString>,
    ) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        Self::new(name, label, hint, Control::Lines(values.join("\n")))
    }

    /// Paragraphs.
    pub(super) fn text(name: impl Into<String>, label: &str, hint: &str, value: &str) -> Self {
        Self::new(name, label, hint, Control::Text(value.to_owned()))
    }

    /// A list to choose from.
    pub(super) fn choice(
        name: impl Into<String>,
        label: &str,
        hint: &str,
        value: &str,
        options: &[(&'static str, &'static str)],
    ) -> Self {
        let control = Control::Choice { value: value.to_owned(), options: options.to_vec() };
        Self::new(name, label, hint, control)
    }

    /// A box.
    pub(super) fn check(name: impl Into<String>, label: &str, hint: &str, checked: bool) -> Self {
        Self::new(name, label, hint, Control::Check(checked))
    }

    /// A secret.
    pub(super) fn secret(name: impl Into<String>, label: &str, hint: &str) -> Self {
        Self::new(name, label, hint, Control::Secret(None))
    }

    /// An id for the markup, without the dots and brackets of a name.
    pub(super) fn id(&self) -> String {
        element_id(&self.name)
    }

    fn fill(&mut self, fields: &Fields) {
        match &mut self.control {
            Control::Line(value)
            | Control::Number(value)
            | Control::Lines(value)
            | Control::Text(value)
            | Control::Choice { value, .. } => fields.raw(&self.name).clone_into(value),
            Control::Check(checked) => *checked = fields.is_checked(&self.name),
            Control::Secret(_) => {}
        }
    }
}

/// The markup id of a field.
pub(super) fn element_id(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    std::iter::once('f').chain(std::iter::once('-')).chain(plain).collect()
}

/// Shows again what was typed, secrets apart.
pub(super) fn refill(sections: &mut [Section], fields: &Fields) {
    sections.iter_mut().flat_map(|section| &mut section.inputs).for_each(|input| input.fill(fields));
}

/// Puts each problem beside its input.
pub(super) fn mark(sections: &mut [Section], problems: &[Problem]) {
    for input in sections.iter_mut().flat_map(|section| &mut section.inputs) {
        input.problem = problems
            .iter()
            .find(|problem| problem.field == input.name)
            .map(|problem| problem.message.clone());
    }
}

/// What a browser sends of a form that nobody touched.
#[cfg(test)]
pub(super) fn posted(sections: &[Section]) -> Fields {
    let inputs = sections.iter().flat_map(|section| &section.inputs);
    let value = |input: &Input| match &input.control {
        Control::Line(value)
        | Control::Number(value)
        | Control::Lines(value)
        | Control::Text(value)
        | Control::Choice { value, .. } => Some(value.clone()),
        Control::Check(checked) => checked.then(|| "on".to_owned()),
        Control::Secret(_) => None,
    };
    let pairs: Vec<_> = inputs.filter_map(|input| Some((input.name.clone(), value(input)?))).collect();
    Fields::new(crate::extract::Form::from(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_but_a_secret_does_not() {
        let inputs = vec![
            Input::line("name", "Name", "", "old"),
            Input::check("on", "On", "", true),
            Input::secret("password", "Password", ""),
        ];
        let mut sections = [Section::new("S", "", inputs)];
        let form = crate::extract::Form::parse(b"name=new&password=planted").unwrap();
        refill(&mut sections, &Fields::new(form));
        let problem = Problem { field: "name".into(), message: "too short".into() };
        mark(&mut sections, &[problem]);
        let [section] = &sections;
        assert!(matches!(&section.inputs[0].control, Control::Line(value) if value == "new"));
        assert_eq!(section.inputs[0].problem.as_deref(), Some("too short"));
        assert!(matches!(section.inputs[1].control, Control::Check(false)));
        assert!(matches!(section.inputs[2].control, Control::Secret(None)));
    }
}
