//! The fields of an event or a span as attributes, in bounded room: a field that is too long is cut, one too many is
//! counted as left out, as the protocol has it.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};

/// Of all fields of a record together, in bytes.
const ROOM: usize = 16 * 1024;
const MOST_FIELDS: usize = 64;
/// What `tracing` calls the text of an event.
const TEXT: &str = "message";

/// What was read.
#[derive(Debug)]
pub(super) struct Fields {
    room: usize,
    pub(super) text: Option<String>,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) left_out: u32,
}

impl Default for Fields {
    fn default() -> Self {
        Self { room: ROOM, text: None, attributes: Vec::new(), left_out: 0 }
    }
}

pub(super) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

impl Fields {
    /// Adds one; a field that is recorded again takes the new value.
    pub(super) fn put(&mut self, key: &str, value: Value) {
        let new = attribute(key, value);
        if let Some(old) = self.attributes.iter_mut().find(|old| old.key == key) {
            *old = new;
        } else if self.attributes.len() < MOST_FIELDS && self.room > 0 {
            self.room = self.room.saturating_sub(key.len());
            self.attributes.push(new);
        } else {
            self.left_out += 1;
        }
    }

    /// Takes the text of a field out that is meant for the span itself.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let place = self.attributes.iter().position(|one| one.key == key)?;
        match self.attributes.remove(place).value?.value? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    fn put_text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.room == 0 {
            self.left_out += 1;
            return;
        }
        let mut text = Cut { text: String::new(), room: self.room };
        // What does not fit is cut; nothing else can fail here.
        let _ = text.write_fmt(value);
        if field.name() == TEXT {
            self.text = Some(text.text);
        } else {
            self.put(field.name(), Value::StringValue(text.text));
        }
        self.room = self.room.min(text.room);
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), Value::IntValue(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.put(field.name(), Value::IntValue(value)),
            Err(_) => self.put_text(field, format_args!("{value}")),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), Value::DoubleValue(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), Value::BoolValue(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, format_args!("{value:?}"));
    }
}

/// Takes text until its room is used up, and never half of a character.
struct Cut {
    text: String,
    room: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = more.floor_char_boundary(self.room);
        self.text.push_str(more.get(..fits).unwrap_or_default());
        let whole = fits == more.len();
        self.room = if whole { self.room - fits } else { 0 };
        if whole { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Reads the fields of each event.
    struct Reads(tokio::sync::mpsc::UnboundedSender<Fields>);

    impl Subscriber for Reads {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let _ = self.0.send(fields);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    fn read(log: impl FnOnce()) -> Fields {
        let (sender, mut fields) = tokio::sync::mpsc::unbounded_channel();
        tracing::subscriber::with_default(Reads(sender), log);
        fields.try_recv().unwrap()
    }

    fn value<'a>(fields: &'a Fields, key: &str) -> &'a Value {
        let found = fields.attributes.iter().find(|one| one.key == key).unwrap();
        found.value.as_ref().unwrap().value.as_ref().unwrap()
    }

    #[test]
    fn fields_keep_their_types_and_the_message_is_no_field() {
        let fields = read(|| {
            tracing::info!(
                count = 7_u64,
                huge = u64::MAX,
                below = -1_i64,
                yes = true,
                half = 0.5,
                name = "x",
                "said {}",
                1
            );
        });
        assert_eq!(fields.text.as_deref(), Some("said 1"));
        assert_eq!(fields.attributes.len(), 6);
        assert_eq!(value(&fields, "count"), &Value::IntValue(7));
        assert_eq!(value(&fields, "huge"), &Value::StringValue(u64::MAX.to_string()));
        assert_eq!(value(&fields, "below"), &Value::IntValue(-1));
        assert_eq!(value(&fields, "yes"), &Value::BoolValue(true));
        assert_eq!(value(&fields, "half"), &Value::DoubleValue(0.5));
        assert_eq!(value(&fields, "name"), &Value::StringValue("x".to_owned()));
    }

    #[test]
    fn a_record_takes_no_more_than_its_room_and_says_what_it_left_out() {
        let long = "é".repeat(ROOM);
        let fields = read(|| tracing::info!(long, more = 1, "text"));
        let Value::StringValue(kept) = value(&fields, "long") else { panic!("no text") };
        assert!(kept.len() <= ROOM && kept.len() > ROOM - 100, "{}", kept.len());
        assert_eq!((fields.left_out, fields.attributes.len()), (1, 1));
    }
}
