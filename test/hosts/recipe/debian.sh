# The Debian layer: apt with an offline repository.
source /mnt/common.sh

build() { # NAME VERSION DEPENDENCY DIRECTORY
  local root=/tmp/$1
  rm -rf "$root"
  stage "$1" "$2" "$root"
  mkdir "$root/DEBIAN"
  cat > "$root/DEBIAN/control" << END
Package: $1
Version: $2
Architecture: all
Maintainer: Hosts <hosts@example.invalid>
${3:+Depends: $3
}Installed-Size: 12
Section: misc
Priority: optional
Description: a package for tests
END
  [ "$1" != hello-fleet ] || echo /etc/hello-fleet.conf > "$root/DEBIAN/conffiles"
  dpkg-deb --root-owner-group --build "$root" "$4/$1_$2_all.deb"
}

index() { # DIRECTORY
  local deb
  cd "$1"
  for deb in *.deb; do
    dpkg-deb --field "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum < "$deb" | cut -c1-64)"
  done > Packages
  printf '%s\n' "Origin: hosts" "Label: hosts" "Suite: stable" "Codename: hosts" "Architectures: all amd64 arm64" \
    "Date: $(LC_ALL=C date -Ru)" "SHA256:" " $(sha256sum < Packages | cut -c1-64) $(stat -c %s Packages) Packages" > Release
}

leave_mirror
build_repositories
# "copy:" and not "file:", by which apt would see a change of the repository without an update.
echo "deb [trusted=yes] copy:/srv/current ./" > /etc/apt/sources.list
apt-get update
