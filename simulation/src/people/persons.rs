//! Who there is, and what each of them knows. Two browsers may be the same person's.

use super::realm;
use crate::directory::Controller;
use passquorum_domain::directory::{NameError, ObjectGuid};
use rand::Rng as _;
use rand::rngs::SmallRng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Answers by question.
pub(super) type Answers = BTreeMap<String, String>;

/// A person: one object of the directory, the name that it goes by, and the answers that the person may have registered,
/// the likeliest last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The object.
    pub(super) guid: ObjectGuid,
    /// The name.
    pub(super) account: String,
    /// Sets of answers.
    pub(super) answers: Vec<Answers>,
}

/// Everybody.
pub(super) struct Persons {
    controller: Arc<Controller>,
    people: Mutex<Vec<Person>>,
    /// Every object that there was.
    ever: Mutex<Vec<ObjectGuid>>,
}

impl Persons {
    /// Everybody whom the domain knows.
    #[must_use]
    pub(super) fn of(controller: Arc<Controller>) -> Self {
        let people = controller.with(|domain| {
            let person = |(guid, user): (&ObjectGuid, &crate::directory::User)| Person {
                guid: *guid,
                account: user.account.clone(),
                answers: Vec::new(),
            };
            let mut people: Vec<_> = domain.users.iter().map(person).collect();
            people.sort_by(|left, right| left.account.cmp(&right.account));
            people
        });
        let ever = people.iter().map(|person| person.guid).collect();
        Self { controller, people: Mutex::new(people), ever: Mutex::new(ever) }
    }

    /// Every object that there was.
    pub(super) fn ever(&self) -> Vec<ObjectGuid> {
        self.ever.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Somebody. The first is left to those who guess.
    pub(super) fn anybody(&self, rng: &mut SmallRng) -> Option<Person> {
        let people = self.lock();
        let number = rng.gen_range(1..people.len().max(2));
        people.get(number).cloned()
    }

    /// Whom attackers are after: the first, anybody, or a name that nobody has.
    pub(super) fn victim(&self, rng: &mut SmallRng) -> Option<Person> {
        match rng.gen_range(0..4) {
            0 | 1 => self.lock().first().cloned(),
            2 => self.anybody(rng),
            _ => {
                let account = format!("stranger-{}", rng.gen_range(0..30));
                Some(Person { guid: ObjectGuid([0; 16]), account, answers: Vec::new() })
            }
        }
    }

    /// A person as the person is now.
    pub(super) fn again(&self, guid: ObjectGuid) -> Option<Person> {
        self.lock().iter().find(|person| person.guid == guid).cloned()
    }

    /// A person registers these answers, or tries to.
    pub(super) fn learns(&self, guid: ObjectGuid, answers: Answers) {
        if let Some(person) = self.lock().iter_mut().find(|person| person.guid == guid) {
            person.answers.push(answers);
        }
    }

    /// The last set of answers was not right: the one before may be.
    pub(super) fn doubts(&self, guid: ObjectGuid) {
        if let Some(person) = self.lock().iter_mut().find(|person| person.guid == guid) {
            let turn = 1.min(person.answers.len());
            person.answers.rotate_right(turn);
        }
    }

    /// The person's present password, as it stands in the directory.
    pub(super) fn password(&self, guid: ObjectGuid) -> Option<String> {
        self.controller.with(|domain| domain.users.get(&guid)?.passwords.first().cloned())
    }

    /// Two people change their names with one another.
    pub(super) fn swap_names(&self, rng: &mut SmallRng) {
        let mut people = self.lock();
        let (one, other) = (rng.gen_range(0..people.len()), rng.gen_range(0..people.len()));
        let (Some(first), Some(second)) = (people.get(one).cloned(), people.get(other).cloned()) else {
            return;
        };
        self.controller.with(|domain| {
            for (guid, name) in [(first.guid, &second.account), (second.guid, &first.account)] {
                if let Some(user) = domain.users.get_mut(&guid) {
                    user.account.clone_from(name);
                    user.mail = user.upn();
                }
            }
        });
        for (guid, name) in [(first.guid, second.account), (second.guid, first.account)] {
            if let Some(person) = people.iter_mut().find(|person| person.guid == guid) {
                person.account = name;
            }
        }
    }

    /// Somebody leaves, and a new one gets the name.
    pub(super) fn replace(&self, rng: &mut SmallRng) -> Result<(), NameError> {
        let mut people = self.lock();
        let number = rng.gen_range(0..people.len());
        let Some(person) = people.get_mut(number) else { return Ok(()) };
        person.answers.clear();
        person.guid = self.controller.with(|domain| {
            domain.users.remove(&person.guid);
            realm::add(domain, &person.account, rng)
        })?;
        self.ever.lock().unwrap_or_else(PoisonError::into_inner).push(person.guid);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
