# Sourced by each distro's script, inside that distro's root: the parts of a layer that all distros share.
set -euo pipefail

install_packages() { # PACKAGE...
  apt-get install -q -y --no-install-recommends -o Acquire::Retries=3 -o APT::Keep-Downloaded-Packages=false "$@"
}

# After the last package from the mirror: its lists are out of the way, and only the offline repository counts.
leave_mirror() {
  umount /var/lib/apt/lists
  rm -f /etc/apt/sources.list
}

# Writes the files of a package below a directory. All three package formats carry the same content.
stage() { # NAME VERSION DIRECTORY
  mkdir -p "$3/usr/share/$1"
  echo "$2" > "$3/usr/share/$1/version"
  [ "$1" = hello-fleet ] || return 0
  mkdir -p "$3"/usr/{bin,lib/systemd/system} "$3/etc"
  echo "greeting=hello" > "$3/etc/hello-fleet.conf"
  printf '#!/bin/sh\necho "hello-fleet %s started"\nexec sleep infinity\n' "$2" > "$3/usr/bin/hello-fleet"
  chmod 755 "$3/usr/bin/hello-fleet"
  cat > "$3/usr/lib/systemd/system/hello-fleet.service" << END
[Unit]
Description=Hello fleet $2
[Service]
ExecStart=/usr/bin/hello-fleet
Restart=on-failure
[Install]
WantedBy=multi-user.target
END
}

mkdir -p /srv/repo/{1.0,2.0}

# Calls "build NAME VERSION DEPENDENCY DIRECTORY" for every package, then "index DIRECTORY" for every repository.
#   /srv/repo/1.0: hello-fleet 1.0, hello-leaf, hello-parent (which needs hello-leaf)
#   /srv/repo/2.0: the same and hello-fleet 2.0
# /srv/current is the one that the package manager sees; "publishing" 2.0 is to point the link at it.
build_repositories() {
  local repo
  for repo in /srv/repo/{1.0,2.0}; do
    build hello-fleet 1.0 "" "$repo"
    build hello-leaf 1.0 "" "$repo"
    build hello-parent 1.0 hello-leaf "$repo"
  done
  build hello-fleet 2.0 "" /srv/repo/2.0
  for repo in /srv/repo/{1.0,2.0}; do index "$repo"; done
  # Package managers compare the times of repository files, and these two were made in the same second.
  find /srv/repo/1.0 -exec touch -d 2024-01-01 {} +
  find /srv/repo/2.0 -exec touch -d 2024-02-01 {} +
  ln -sfn /srv/repo/1.0 /srv/current
}

# /etc/os-release says what the distro would say, as far as software looks at it.
write_os_release() { # LINE...
  printf '%s\n' "$@" > /usr/lib/os-release
}
