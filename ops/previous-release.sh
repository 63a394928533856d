#!/usr/bin/env bash
# Builds the program of the release before this one, which the upgrade tests start beside this one:
# target/previous/passquorum, from the commit that ops/previous-release names. Exits 2 when the repository does not hold
# that commit, as a shallow clone may not.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly here=target/previous
commit=$(<ops/previous-release)

if [[ -x $here/passquorum && $(cat "$here/commit" 2>/dev/null) == "$commit" ]]; then
    echo "previous release: $commit is built already"
    exit 0
fi
if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
    echo "previous release: this clone does not hold commit $commit; fetch the whole history (git fetch --unshallow)" >&2
    exit 2
fi

rm -rf "$here"
mkdir -p "$here/source" "$here/target/debug"
git archive "$commit" | tar --extract --directory "$here/source"
# What both releases depend on is built once. The project's own crates have the same names in both trees, so their
# files are left out: a link that was written through would change the products of this release.
for part in deps build .fingerprint; do
    if [[ -d target/debug/$part ]]; then
        cp --archive --link "target/debug/$part" "$here/target/debug/$part"
    fi
done
find "$here/target/debug" -mindepth 2 -maxdepth 2 \
    \( -name '*passquorum*' -o -name 'simulate*' -o -name 'libpassquorum*' \) -exec rm -rf {} +
CARGO_TARGET_DIR=$PWD/$here/target cargo build --quiet --manifest-path "$here/source/Cargo.toml" \
    --package passquorum --bin passquorum --locked
mv "$here/target/debug/passquorum" "$here/passquorum"
rm -rf "$here/target"
echo "$commit" >"$here/commit"
