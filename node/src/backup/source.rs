//! Backups of the realm that this node belongs to: the state at one log index, sealed and handed out piece by piece while
//! the node goes on. The state is a copy that costs nothing; a slow reader holds a thread and a few pieces.

use super::portable;
use crate::keyring::Keyring;
use crate::sealed_file::{Contents, Header, NotARecipient, Recipient, Sealer};
use async_trait::async_trait;
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::RequestId;
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::ports::{
    BackupError, BackupFile, Backups, Clock, Consensus, Consistency, Entropy, Purpose, Vault, VaultError,
    fresh_uuid,
};
use passquorum_raft::{Cluster, Progress};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Bytes of a piece, about.
const PIECE: usize = 256 << 10;
/// Pieces that wait for the reader.
const AHEAD: usize = 2;

/// Makes the backups of one node.
pub struct RealmBackups {
    cluster: Arc<Cluster>,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// One at a time.
    turn: Arc<Semaphore>,
}

impl RealmBackups {
    /// The only one of its node.
    #[must_use]
    pub fn new(
        cluster: Arc<Cluster>,
        keyring: Arc<Keyring>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { cluster, keyring, clock, entropy, turn: Arc::new(Semaphore::new(1)) }
    }

    async fn record(
        &self,
        actor: Actor,
        event: AuditEvent,
        recipient: &Recipient,
    ) -> Result<(), BackupError> {
        let note = format!("sealed to {recipient}");
        let at = self.clock.now();
        let command = Command {
            request: RequestId::internal(at, fresh_uuid(self.entropy.as_ref())),
            at,
            actor,
            detail: Some(self.keyring.seal(Purpose::AuditDetail, &[], note.as_bytes())?),
            action: Action::Record { event, subject: None },
        };
        let outcome = self.cluster.propose(command).await?;
        outcome.map(drop).map_err(|rejection| BackupError::Broken(rejection.to_string()))
    }

    /// The state, in which nothing is missing that was acknowledged before, and where it stands.
    async fn progress(&self) -> Result<Progress, BackupError> {
        self.cluster.read(Consistency::Linearizable).await?;
        Ok(self.cluster.progress())
    }

    /// The realm key for the recipient: the one that the state was sealed under.
    fn key(&self, progress: &Progress, recipient: &Recipient) -> Result<KeyWrap, BackupError> {
        let key = match self.keyring.wrap_for(recipient.public_key()) {
            Err(VaultError::DoesNotOpen) => {
                return Err(BackupError::BadRecipient("this is no X25519 public key".to_owned()));
            }
            key => key?,
        };
        let own = progress.state.wrap(self.cluster.node());
        if own.is_none_or(|own| own.generation != key.generation) {
            return Err(BackupError::NotNow("the realm key of this node is just being changed"));
        }
        Ok(key)
    }

    fn header(&self, contents: Contents, progress: &Progress, recipient: Recipient) -> Option<Header> {
        let (realm, applied) = (progress.state.realm()?, progress.applied?);
        Some(Header {
            contents,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            realm: realm.id,
            epoch: realm.epoch,
            term: applied.term,
            index: applied.index,
            at: self.clock.now(),
            recipient,
        })
    }
}

#[async_trait]
impl Backups for RealmBackups {
    async fn begin(&self, actor: Actor, recipient: &str) -> Result<Box<dyn BackupFile>, BackupError> {
        let recipient = parse(recipient)?;
        let turn = Arc::clone(&self.turn).try_acquire_owned();
        let turn = turn.map_err(|_| BackupError::NotNow("another backup is being made on this node"))?;
        self.record(actor, AuditEvent::BackupBegun, &recipient).await?;
        let progress = self.progress().await?;
        let key = self.key(&progress, &recipient)?;
        let header = self.header(Contents::Backup, &progress, recipient).ok_or_else(no_realm)?;
        let (sender, pieces) = mpsc::channel(AHEAD);
        let work = Work { progress, key, header, entropy: Arc::clone(&self.entropy), _turn: turn };
        tokio::task::spawn_blocking(move || work.run(&sender));
        Ok(Box::new(Pieces(pieces)))
    }

    async fn configuration(&self, actor: Actor, recipient: &str) -> Result<Vec<u8>, BackupError> {
        let recipient = parse(recipient)?;
        self.record(actor, AuditEvent::ConfigExported, &recipient).await?;
        let progress = self.progress().await?;
        let config = progress.state.config().ok_or_else(no_realm)?;
        let clear = portable::reveal(config, self.keyring.as_ref())?;
        let header = self.header(Contents::Configuration, &progress, recipient).ok_or_else(no_realm)?;
        let sealed = Sealer::begin(Vec::new(), &header, self.entropy.as_ref()).and_then(|mut file| {
            file.write_all(&clear)?;
            file.finish()
        });
        sealed.map_err(|error| BackupError::Broken(error.to_string()))
    }
}

fn parse(recipient: &str) -> Result<Recipient, BackupError> {
    recipient.parse().map_err(|error: NotARecipient| BackupError::BadRecipient(error.to_string()))
}

fn no_realm() -> BackupError {
    BackupError::Broken("there is no realm yet".to_owned())
}

struct Work {
    progress: Progress,
    key: KeyWrap,
    header: Header,
    entropy: Arc<dyn Entropy>,
    _turn: OwnedSemaphorePermit,
}

type Sent = Result<Vec<u8>, BackupError>;

impl Work {
    fn run(self, sender: &mpsc::Sender<Sent>) {
        let output = Output { sender, piece: Vec::with_capacity(PIECE) };
        let written = Sealer::begin(output, &self.header, self.entropy.as_ref())
            .and_then(|file| super::write(file, &self.progress.state, self.key));
        if let Err(error) = written {
            tracing::warn!(%error, "a backup broke off");
            // Whoever read it may have gone.
            let _ = sender.blocking_send(Err(BackupError::Broken(error.to_string())));
        }
    }
}

/// Gathers what is written into pieces for the reader.
struct Output<'a> {
    sender: &'a mpsc::Sender<Sent>,
    piece: Vec<u8>,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "its reader is gone");
        self.sender.blocking_send(Ok(piece)).map_err(gone)
    }
}

struct Pieces(mpsc::Receiver<Sent>);

#[async_trait]
impl BackupFile for Pieces {
    async fn next(&mut self) -> Option<Sent> {
        self.0.recv().await
    }
}
