//! The realm's keys of a demonstration, taken out of a node's wrap by hand: from what lies on the disk of another node and
//! the private key of the one that they are wrapped for.

use crate::memory::places;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, single_shot_open};
use passquorum_node::env::SystemEntropy;
use passquorum_node::key_protection::KeyProtection;
use passquorum_node::keys::{KeyFolder, NodeKeys};
use std::path::Path;
use std::sync::Arc;

/// A wrap of a realm's first keys: an encapsulated key, the hash key, a generation, the data key, a tag.
const WRAP: usize = 32 + 32 + 4 + 32 + 16;
/// The generation of a realm's first data key, and the length of a wrap, as they stand before it.
const BEFORE: [u8; 2] = [1, WRAP as u8];
const GENERATION: u32 = 1;

/// The hash key and the data key, as the node with these keys would unwrap them.
pub(crate) fn realm_keys(keys: &Path, store: &Path) -> [Vec<u8>; 2] {
    let protection = KeyProtection::by_mode_only(Arc::new(SystemEntropy));
    let keys = NodeKeys::load(&KeyFolder { path: keys.to_owned(), protection }).unwrap();
    let public = keys.wrap.public().to_bytes();
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(keys.wrap.to_bytes().as_slice()).unwrap();
    let info = [b"passquorum/1/realm-key/".as_slice(), keys.tls.identity.realm.0.as_bytes()].concat();
    let open = |wrap: &[u8]| {
        let encapped = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&wrap[..32]).ok()?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &encapped,
            &info,
            &wrap[32..],
            &GENERATION.to_be_bytes(),
        )
        .ok()
    };
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            for at in places(&bytes, &public) {
                // The registration of a node holds its public key, and then its wrap.
                let after = &bytes[at + public.len()..];
                let wraps = places(after, &BEFORE).take_while(|place| *place < 4);
                let mut wraps =
                    wraps.filter_map(|place| after.get(place + BEFORE.len()..place + BEFORE.len() + WRAP));
                if let Some(keys) = wraps.find_map(open) {
                    return [keys[..32].to_vec(), keys[36..].to_vec()];
                }
            }
        }
    }
    panic!("no wrap for this node is found");
}
