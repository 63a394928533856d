//! The bytes of a snapshot.
//!
//! ```text
//! u32 length, envelope of openraft's SnapshotMeta
//! per cell: u32 key length, u32 value length, key, value
//! u32 0xffffffff, u64 number of cells, digest of the cells (not in version 1), SHA-256 of every byte before it
//! ```
//! Numbers are big-endian, and cells stand in key order, each once; the version is the envelope's. The bytes depend on
//! nothing but the state, so that equal states have equal snapshots. The digest is the one that the writer's machine
//! followed: whoever restores a machine from the cells holds its digest against it.

use openraft::SnapshotMeta;
use sha2::{Digest, Sha256};

use crate::RaftConfig;
use crate::codec::{self, Kind};
use crate::digest::CellsDigest;
use crate::engine::Pair;
use crate::error::StoreError;
use crate::snapshot::SnapshotBody;

const META: Kind = Kind::new(6, 2);
const META_WITHOUT_DIGEST: Kind = Kind::new(6, 1);
const DIGEST: usize = 32;
const END: u32 = u32::MAX;
const BUFFER: usize = 256 << 10;

type Meta<C> = SnapshotMeta<u64, <C as openraft::RaftTypeConfig>::Node>;

/// Writes a snapshot.
pub(crate) fn write<C: RaftConfig>(
    body: &mut SnapshotBody,
    meta: &Meta<C>,
    cells: impl Iterator<Item = Pair>,
    followed: CellsDigest,
) -> Result<(), StoreError> {
    let mut output = Output { body, buffer: Vec::with_capacity(BUFFER), digest: Sha256::new() };
    let header = codec::encode(META, meta)
        .map_err(|e| StoreError::Refused(format!("the snapshot header cannot be stored: {e}")))?;
    output.put(&length(&header)?.to_be_bytes())?;
    output.put(&header)?;
    let mut count = 0_u64;
    for (key, value) in cells {
        output.put(&length(&key)?.to_be_bytes())?;
        output.put(&length(&value)?.to_be_bytes())?;
        output.put(&key)?;
        output.put(&value)?;
        count += 1;
    }
    output.put(&END.to_be_bytes())?;
    output.put(&count.to_be_bytes())?;
    output.put(&followed.to_bytes())?;
    output.finish()
}

/// A snapshot that was read as a whole.
pub(crate) struct Contents<C: RaftConfig> {
    pub(crate) meta: Meta<C>,
    pub(crate) cells: Vec<Pair>,
    /// The digest that the writer's machine followed; absent in version 1.
    pub(crate) digest: Option<CellsDigest>,
}

/// Reads a snapshot as a whole; nothing is returned unless the checksum is right.
pub(crate) fn read<C: RaftConfig>(body: &SnapshotBody) -> Result<Contents<C>, StoreError> {
    let mut input = Input::new(body);
    let header = input.header()?;
    let meta = decode_meta::<C>(&header)?;
    let mut cells = Vec::new();
    let digest = input.cells(carries_digest(&header)?, &mut |key, value| cells.push((key, value)))?;
    Ok(Contents { meta, cells, digest })
}

/// Reads only the header.
pub(crate) fn read_meta<C: RaftConfig>(body: &SnapshotBody) -> Result<Meta<C>, StoreError> {
    decode_meta::<C>(&Input::new(body).header()?)
}

/// Reads everything and keeps nothing.
pub(crate) fn verify(body: &SnapshotBody) -> Result<(), StoreError> {
    let mut input = Input::new(body);
    let header = input.header()?;
    input.cells(carries_digest(&header)?, &mut |_, _| {}).map(drop)
}

fn carries_digest(header: &[u8]) -> Result<bool, StoreError> {
    let (kind, _) = codec::open(header).map_err(|e| corrupt(&e.to_string()))?;
    Ok(kind != META_WITHOUT_DIGEST)
}

fn decode_meta<C: RaftConfig>(header: &[u8]) -> Result<Meta<C>, StoreError> {
    let kind = if carries_digest(header)? { META } else { META_WITHOUT_DIGEST };
    codec::decode(kind, header).map_err(|e| corrupt(&e.to_string()))
}

fn corrupt(place: &str) -> StoreError {
    StoreError::corrupt("snapshot", place)
}

fn length(bytes: &[u8]) -> Result<u32, StoreError> {
    match u32::try_from(bytes.len()) {
        Ok(length) if length < END => Ok(length),
        _ => Err(StoreError::Refused(format!("a snapshot cell of {} bytes", bytes.len()))),
    }
}

struct Output<'a> {
    body: &'a mut SnapshotBody,
    buffer: Vec<u8>,
    digest: Sha256,
}

impl Output<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.digest.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.body.append(self.body.len(), &self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), StoreError> {
        let digest = self.digest.clone().finalize();
        self.buffer.extend_from_slice(&digest);
        self.flush()
    }
}

struct Input<'a> {
    body: &'a SnapshotBody,
    offset: u64,
    buffer: Vec<u8>,
    used: usize,
    digest: Sha256,
}

impl<'a> Input<'a> {
    fn new(body: &'a SnapshotBody) -> Self {
        Self { body, offset: 0, buffer: Vec::new(), used: 0, digest: Sha256::new() }
    }

    /// The next `size` bytes. A size beyond the end is refused before it is allocated.
    fn raw(&mut self, size: usize) -> Result<Vec<u8>, StoreError> {
        let buffered = self.buffer.len().saturating_sub(self.used);
        if size > buffered {
            let left = self.body.len().saturating_sub(self.offset);
            if (size - buffered) as u64 > left {
                return Err(corrupt(&format!("it ends early, at byte {}", self.body.len())));
            }
            self.buffer.drain(..self.used);
            self.used = 0;
            let more = self.body.read_at(self.offset, (size - buffered).max(BUFFER))?;
            self.offset += more.len() as u64;
            self.buffer.extend_from_slice(&more);
        }
        let bytes = self.buffer.get(self.used..self.used + size).map(<[u8]>::to_vec);
        self.used += size;
        bytes.ok_or_else(|| corrupt("it was cut short while it was read"))
    }

    fn take(&mut self, size: usize) -> Result<Vec<u8>, StoreError> {
        let bytes = self.raw(size)?;
        self.digest.update(&bytes);
        Ok(bytes)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| corrupt("it was cut short while it was read"))
    }

    fn header(&mut self) -> Result<Vec<u8>, StoreError> {
        let size = u32::from_be_bytes(self.number()?);
        self.take(size as usize)
    }

    fn cells(
        &mut self,
        with_digest: bool,
        visit: &mut dyn FnMut(Vec<u8>, Vec<u8>),
    ) -> Result<Option<CellsDigest>, StoreError> {
        let mut count = 0_u64;
        let mut before: Option<Vec<u8>> = None;
        loop {
            let key = u32::from_be_bytes(self.number()?);
            if key == END {
                break;
            }
            let value = u32::from_be_bytes(self.number()?);
            let key = self.take(key as usize)?;
            let value = self.take(value as usize)?;
            if before.as_ref().is_some_and(|before| *before >= key) {
                return Err(corrupt("a cell is there twice, or out of order"));
            }
            before = Some(key.clone());
            visit(key, value);
            count += 1;
        }
        let counted = u64::from_be_bytes(self.number()?);
        let digest = with_digest.then(|| self.number::<DIGEST>()).transpose()?.map(CellsDigest::from_bytes);
        let computed = self.digest.clone().finalize();
        let stored = self.raw(computed.len())?;
        if stored != computed.as_slice() {
            return Err(corrupt("its checksum is wrong"));
        }
        if counted != count {
            return Err(corrupt(&format!("it has {count} cells where {counted} were written")));
        }
        if self.used < self.buffer.len() || self.offset < self.body.len() {
            return Err(corrupt("bytes follow its end"));
        }
        Ok(digest)
    }
}
