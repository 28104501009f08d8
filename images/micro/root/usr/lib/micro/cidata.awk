# Reads the one shape of user-data that the engine writes (block YAML, long lines never folded). Not a YAML parser.
function value(line) {
  sub(/^[ -]*[a-z_]+: */, "", line)
  if (line ~ /^".*"$/ || line ~ /^'.*'$/) line = substr(line, 2, length(line) - 2)
  return line
}
function finish() {
  if (path != "") print n, mode, owner, path > "/run/cidata/files"
  path = ""; mode = "0644"; owner = "root:root"
}
BEGIN { printf "" > "/run/cidata/keys"; printf "" > "/run/cidata/files" }
/^hostname:/ { print value($0) > "/run/cidata/hostname" }
/^[a-z_]+:/ { part = $1; keys = 0 }
/^ +ssh_authorized_keys:/ { keys = 1; next }
keys && /^ *- / { line = $0; sub(/^ *- +/, "", line); gsub(/^["']|["']$/, "", line); print line > "/run/cidata/keys"; next }
{ keys = 0 }
part == "write_files:" && /^ *- / { finish(); n++ }
part == "write_files:" && /^[ -]+path:/ { path = value($0) }
part == "write_files:" && /^[ -]+owner:/ { owner = value($0) }
part == "write_files:" && /^[ -]+permissions:/ { mode = value($0) }
part == "write_files:" && /^[ -]+content:/ { print value($0) > ("/run/cidata/" n) }
END { finish() }
