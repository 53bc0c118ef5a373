use std::io::{self, Cursor, ErrorKind, Read, Write};

use crate::{HEADER, MAX, read_frame, write_frame};

/// A stream at its worst: every other call is interrupted, the others move one byte.
#[derive(Default)]
struct Worst {
    bytes: Cursor<Vec<u8>>,
    calls: usize,
}

impl Worst {
    fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: Cursor::new(bytes.to_vec()),
            calls: 0,
        }
    }

    fn interrupted(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls % 2 == 1 {
            Err(ErrorKind::Interrupted.into())
        } else {
            Ok(())
        }
    }
}

impl Read for Worst {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted()?;
        let most = buffer.len().min(1);
        self.bytes.read(&mut buffer[..most])
    }
}

impl Write for Worst {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.interrupted()?;
        self.bytes.write(&bytes[..bytes.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A payload longer than any buffer on the way, with every value of a byte in it.
fn long(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

#[test]
fn the_bytes_of_a_frame_are_c_s() {
    // uint32_t len = htonl(5); send(sock, &len, 4, 0); send(sock, "Hello", 5, 0);
    let mut bytes = Vec::new();
    write_frame(&mut bytes, b"Hello").expect("written");
    assert_eq!(bytes, b"\0\0\0\x05Hello");
}

#[test]
fn frames_survive_one_byte_at_a_time_and_interruptions() {
    let messages = [
        b"".to_vec(),
        b"a".to_vec(),
        long(300),
        b"".to_vec(),
        long(70_000),
    ];
    let mut stream = Worst::default();
    for message in &messages {
        write_frame(&mut stream, message).expect("written");
    }
    stream.bytes.set_position(0);
    for message in &messages {
        assert_eq!(
            read_frame(&mut stream).expect("read").as_ref(),
            Some(message)
        );
    }
    // The end, as often as it is asked for.
    assert!(read_frame(&mut stream).expect("read").is_none());
    assert!(read_frame(&mut stream).expect("read").is_none());
}

#[test]
fn an_empty_payload_is_a_message_and_no_end() {
    let mut stream = Worst::new(&[0; HEADER]);
    assert_eq!(read_frame(&mut stream).expect("read"), Some(Vec::new()));
    assert_eq!(read_frame(&mut stream).expect("read"), None);
}

#[test]
fn an_end_inside_a_frame_says_how_much_came() {
    let whole = b"\0\0\0\x05Hello";
    for came in 1..whole.len() {
        let error = read_frame(&mut Worst::new(&whole[..came])).expect_err("torn");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let expected = match came {
            1..HEADER => format!("inside the header of a frame: {came} of 4 bytes came"),
            _ => format!(
                "inside the payload of a frame: {} of 5 bytes came",
                came - HEADER
            ),
        };
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

#[test]
fn the_limit_holds_on_both_sides() {
    let mut stream = Cursor::new(Vec::new());
    write_frame(&mut stream, &long(MAX)).expect("written");
    stream.set_position(0);
    assert_eq!(read_frame(&mut stream).expect("read"), Some(long(MAX)));

    let mut nothing = Vec::new();
    let error = write_frame(&mut nothing, &long(MAX + 1)).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(nothing.is_empty(), "a refused frame leaves no bytes behind");

    for length in [MAX as u32 + 1, u32::MAX] {
        let error = read_frame(&mut Worst::new(&length.to_be_bytes())).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(&length.to_string()), "{error}");
    }
}

#[test]
fn a_failing_stream_fails_as_it_does() {
    struct Reset;
    impl Read for Reset {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::ConnectionReset.into())
        }
    }
    let error = read_frame(&mut Reset).expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
