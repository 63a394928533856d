//! The sealed part of a file, chunk by chunk.

use super::{Header, SealedFileError, exactly, preamble};
use crate::keyring::{OpenStream, SealStream};
use passquorum_domain::ports::Entropy;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Bytes in clear that a chunk holds at most.
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const MORE: u8 = 0;
const LAST: u8 = 1;

/// Writes a file. Without [`Sealer::finish`] it has no last chunk, and nobody takes it for whole.
pub struct Sealer<W> {
    output: W,
    stream: SealStream,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// Begins a file for the recipient of its header.
    ///
    /// # Errors
    /// The output's, or the header cannot be written or sealed to.
    pub fn begin(mut output: W, header: &Header, entropy: &dyn Entropy) -> io::Result<Self> {
        let preamble = preamble(header).map_err(io::Error::other)?;
        let (encapped, stream) =
            header.recipient.public_key().begin_stream(&preamble, entropy).map_err(io::Error::other)?;
        output.write_all(&preamble)?;
        output.write_all(&encapped)?;
        Ok(Self { output, stream, chunk: Zeroizing::new(Vec::with_capacity(CHUNK)) })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The output's.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(LAST)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn seal(&mut self, kind: u8) -> io::Result<()> {
        let sealed = self.stream.seal(&self.chunk, &[kind]).map_err(io::Error::other)?;
        self.chunk.clear();
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.output.write_all(&[kind])?;
        self.output.write_all(&length.to_be_bytes())?;
        self.output.write_all(&sealed)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is kept back until more comes, since it may be the last.
        if self.chunk.len() == CHUNK {
            self.seal(MORE)?;
        }
        let room = CHUNK.saturating_sub(self.chunk.len()).min(bytes.len());
        let (taken, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// What is in a file, in clear. What was read from it may be used only once [`Clear::end`] has said that all of it is
/// there.
pub struct Clear<R> {
    input: R,
    stream: OpenStream,
    chunk: Zeroizing<Vec<u8>>,
    used: usize,
    chunks: u64,
    last: bool,
}

impl<R: Read> Clear<R> {
    pub(super) fn new(input: R, stream: OpenStream) -> Self {
        Self { input, stream, chunk: Zeroizing::default(), used: 0, chunks: 0, last: false }
    }

    /// The next bytes, exactly as many as fit.
    ///
    /// # Errors
    /// It is damaged, or has no more.
    pub fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), SealedFileError> {
        while !buffer.is_empty() {
            let ready = self.chunk.get(self.used..).unwrap_or_default();
            if ready.is_empty() {
                if self.last {
                    return Err(SealedFileError::Disagrees("it ends in the middle of a record".to_owned()));
                }
                self.next_chunk()?;
                continue;
            }
            let length = ready.len().min(buffer.len());
            let (to, rest) = buffer.split_at_mut(length);
            to.copy_from_slice(ready.get(..length).unwrap_or_default());
            buffer = rest;
            self.used = self.used.saturating_add(length);
        }
        Ok(())
    }

    /// Everything that is left, at most `limit` bytes of it; and that it is all.
    ///
    /// # Errors
    /// It is damaged, or longer.
    pub fn read_all(mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>, SealedFileError> {
        let mut all = Zeroizing::new(Vec::new());
        loop {
            all.extend_from_slice(self.chunk.get(self.used..).unwrap_or_default());
            if all.len() > limit {
                return Err(SealedFileError::Disagrees(format!("it holds more than {limit} bytes")));
            }
            self.used = self.chunk.len();
            if self.last {
                self.end()?;
                return Ok(all);
            }
            self.next_chunk()?;
        }
    }

    /// Makes sure that nothing follows.
    ///
    /// # Errors
    /// Something does, or the end is missing.
    pub fn end(mut self) -> Result<(), SealedFileError> {
        if self.used < self.chunk.len() {
            return Err(SealedFileError::TrailingBytes);
        }
        if !self.last {
            self.next_chunk()?;
            if !self.last || !self.chunk.is_empty() {
                return Err(SealedFileError::TrailingBytes);
            }
        }
        match self.input.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(SealedFileError::TrailingBytes),
        }
    }

    fn next_chunk(&mut self) -> Result<(), SealedFileError> {
        self.chunks = self.chunks.saturating_add(1);
        let number = self.chunks;
        let mut head = [0; 5];
        exactly(&mut self.input, &mut head, SealedFileError::Truncated(number))?;
        let [kind, l0, l1, l2, l3] = head;
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        if kind > LAST || !(TAG..=CHUNK + TAG).contains(&length) {
            return Err(SealedFileError::Damaged(number));
        }
        let mut sealed = vec![0; length];
        exactly(&mut self.input, &mut sealed, SealedFileError::Truncated(number))?;
        let opened = self.stream.open(&sealed, &[kind]);
        self.chunk = opened.map_err(|_| SealedFileError::Damaged(number))?;
        self.used = 0;
        self.last = kind == LAST;
        Ok(())
    }
}
