//! The texts of one language, from one or more Fluent files (<https://projectfluent.org>).

use super::message::{Form, Message, Value};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement};
use passquorum_domain::mail::Language;
use std::collections::{BTreeMap, BTreeSet};
use unic_langid::{CharacterDirection, LanguageIdentifier};

/// The texts of one language that one hand has written.
pub(super) struct Catalogue {
    bundle: FluentBundle<FluentResource>,
    is_rtl: bool,
    /// Each key with the names of what is put into its text.
    keys: BTreeMap<String, BTreeSet<String>>,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

impl Catalogue {
    /// Reads the text of a file. Where `known` is given, every key must be one of it, with nothing put in that it does not
    /// put in.
    pub(super) fn parse(language: &Language, source: &str, known: Option<&Self>) -> Result<Self, Mistake> {
        let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| {
            let first = errors.first();
            let before = first.and_then(|error| source.get(..error.pos.start)).unwrap_or_default();
            let why = first.map(ToString::to_string).unwrap_or_default();
            Mistake { line: before.matches('\n').count().saturating_add(1), why }
        })?;
        let keys = keys_of(&resource, source)?;
        if let Some(known) = known {
            known.check(&keys, source)?;
        }
        let id: LanguageIdentifier = language
            .as_str()
            .parse()
            .map_err(|_| Mistake { line: 1, why: format!("{language} is not a language that is known") })?;
        let is_rtl = id.character_direction() == CharacterDirection::RTL;
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // What is put into a text keeps its own direction where the text's is the rarer one.
        bundle.set_use_isolating(is_rtl);
        bundle.add_resource(resource).map_err(|errors| Mistake { line: 1, why: format!("{errors:?}") })?;
        Ok(Self { bundle, is_rtl, keys })
    }

    fn check(&self, keys: &BTreeMap<String, BTreeSet<String>>, source: &str) -> Result<(), Mistake> {
        for (key, values) in keys {
            let mistake = |why| Mistake { line: line_of(source, key), why };
            let known = self.keys.get(key).ok_or_else(|| mistake(format!("there is no text named {key}")))?;
            if let Some(value) = values.difference(known).next() {
                return Err(mistake(format!("nothing named ${value} is put into the text {key}")));
            }
        }
        Ok(())
    }

    pub(super) fn is_rtl(&self) -> bool {
        self.is_rtl
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.keys
    }

    /// The text, unless it is not there or wants what is not given. `inner` says the messages that are put into it.
    pub(super) fn say(&self, message: &Message, inner: impl Fn(&Message) -> String) -> Option<String> {
        let (key, values) = match &message.0 {
            Form::Said(words) => return Some(words.clone().into_owned()),
            Form::Keyed(key, values) => (key.0, values),
        };
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            match value {
                Value::Number(number) => args.set(*name, *number),
                Value::Text(text) => args.set(*name, text.as_str()),
                Value::Message(message) => args.set(*name, inner(message)),
            }
        }
        self.format(key, &args)
    }

    /// The text with this key and nothing put in.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.format(key, &FluentArgs::new())
    }

    fn format(&self, key: &str, args: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(args), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

/// The line on which a text begins.
fn line_of(source: &str, key: &str) -> usize {
    let begins = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    source.lines().position(begins).unwrap_or(0).saturating_add(1)
}

fn keys_of(resource: &FluentResource, source: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Mistake> {
    let mut keys = BTreeMap::new();
    for entry in resource.entries() {
        let Entry::Message(message) = entry else { continue };
        let mut values = BTreeSet::new();
        if let Some(pattern) = &message.value {
            of_pattern(pattern, &mut values);
        }
        let key = message.id.name;
        if keys.insert(key.to_owned(), values).is_some() {
            return Err(Mistake { line: line_of(source, key), why: format!("{key} stands here twice") });
        }
    }
    Ok(keys)
}

fn of_pattern(pattern: &Pattern<&str>, values: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, values);
        }
    }
}

fn of_expression(expression: &Expression<&str>, values: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, values),
        Expression::Select { selector, variants } => {
            of_inline(selector, values);
            for variant in variants {
                of_pattern(&variant.value, values);
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, values: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => {
            values.insert(id.name.to_owned());
        }
        InlineExpression::Placeable { expression } => of_expression(expression, values),
        InlineExpression::FunctionReference { arguments: CallArguments { positional, .. }, .. } => {
            for argument in positional {
                of_inline(argument, values);
            }
        }
        _ => {}
    }
}
