//! A log file that gives way to a new one when it is full, and of which so many old ones are kept, so that the log never
//! takes more of a disk than it was given. A line that cannot be written is counted and dropped: a full disk must not stop
//! whoever has something to say.

use crate::telemetry::count_lost_line;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// A longer line is cut.
const LONGEST_LINE: usize = 64 * 1024;

/// Where the log goes, and how much of it there may be: `most_bytes` in each of `keep + 1` files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFileSettings {
    /// The file that is written; older ones have `.1`, `.2`, … behind its name.
    pub path: PathBuf,
    /// The most bytes of each file.
    pub most_bytes: u64,
    /// How many older ones are kept.
    pub keep: usize,
}

/// The file as it is written.
pub(crate) struct LogFile {
    settings: LogFileSettings,
    file: Option<File>,
    size: u64,
}

impl LogFile {
    /// Goes on with the file that is there, and removes older ones that are too many.
    pub(crate) fn open(settings: LogFileSettings) -> io::Result<Self> {
        let mut log = Self { settings, file: None, size: 0 };
        log.reopen()?;
        let surplus = (log.settings.keep + 1..).map(|number| log.older(number));
        for file in surplus.take_while(|file| file.exists()) {
            fs::remove_file(file)?;
        }
        Ok(log)
    }

    fn older(&self, number: usize) -> PathBuf {
        let mut name = self.settings.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.settings.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// Makes each file one older; the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        for number in (0..self.settings.keep).rev() {
            let from = if number == 0 { self.settings.path.clone() } else { self.older(number) };
            match fs::rename(from, self.older(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.settings.keep == 0 {
            fs::remove_file(&self.settings.path)?;
        }
        self.reopen()
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.reopen()?;
        }
        let length = line.len() as u64;
        if self.size > 0 && self.size + length > self.settings.most_bytes {
            self.rotate()?;
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        // A part of a line counts too when the disk is full in the middle of it.
        let written = file.write_all(line);
        self.size = file.metadata().map_or(self.size + length, |metadata| metadata.len());
        written
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = match line.get(..LONGEST_LINE) {
            Some(start) if line.len() > LONGEST_LINE => self.put(&[start, b"\n"].concat()),
            _ => self.put(line),
        };
        if written.is_err() {
            count_lost_line();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn settings(folder: &Path, most_bytes: u64, keep: usize) -> LogFileSettings {
        LogFileSettings { path: folder.join("node.log"), most_bytes, keep }
    }

    fn files(folder: &Path) -> Vec<(String, u64)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn however_much_is_written_no_more_stays_than_was_given_and_the_latest_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(settings(folder.path(), 1000, 2)).unwrap();
        for number in 0..1000 {
            log.write_all(format!("line {number:05}\n").as_bytes()).unwrap();
        }
        let files = files(folder.path());
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["node.log", "node.log.1", "node.log.2"]);
        assert!(files.iter().all(|(_, size)| *size <= 1000), "{files:?}");
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text("node.log").ends_with("line 00999\n"));
        let all = text("node.log.2") + &text("node.log.1") + &text("node.log");
        let numbers: Vec<u32> = all.lines().map(|line| line[5..].parse().unwrap()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "none is lost in between");
    }

    #[test]
    fn a_new_process_goes_on_where_the_last_one_ended_and_keeps_what_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(settings(folder.path(), 100, 3)).unwrap();
        (0..50).for_each(|_| log.write_all(b"0123456789\n").unwrap());
        drop(log);
        assert_eq!(files(folder.path()).len(), 4);
        let mut log = LogFile::open(settings(folder.path(), 100, 0)).unwrap();
        assert_eq!(files(folder.path()).len(), 1, "older ones than are kept go");
        (0..50).for_each(|_| log.write_all(b"0123456789\n").unwrap());
        assert!(matches!(files(folder.path()).as_slice(), [(_, size)] if *size <= 100));
    }

    #[test]
    fn a_line_that_finds_no_disk_is_counted_and_nobody_fails() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("gone");
        fs::create_dir(&inside).unwrap();
        let mut log = LogFile::open(settings(&inside, 100, 1)).unwrap();
        log.write_all(&[b'x'; 90]).unwrap();
        fs::remove_dir_all(&inside).unwrap();
        let before = crate::telemetry::lines_lost();
        log.write_all(&[b'x'; 90]).unwrap();
        assert!(crate::telemetry::lines_lost() > before);
        fs::create_dir(&inside).unwrap();
        log.write_all(b"back\n").unwrap();
        assert_eq!(fs::read_to_string(inside.join("node.log")).unwrap(), "back\n");
        log.write_all(&vec![b'y'; 3 * LONGEST_LINE]).unwrap();
        assert_eq!(fs::metadata(inside.join("node.log")).unwrap().len(), LONGEST_LINE as u64 + 1);
    }
}
