# The Arch layer: pacman with an offline repository. A pacman database holds one version of each package.
source /mnt/common.sh

build() { # NAME VERSION DEPENDENCY DIRECTORY
  local root=/tmp/$1 info
  rm -rf "$root"
  stage "$1" "$2" "$root"
  info=("pkgname = $1" "pkgbase = $1" "pkgver = $2-1" "pkgdesc = A package for tests" "url = http://example.invalid"
    "builddate = 1700000000" "packager = Hosts <hosts@example.invalid>" "size = 4096" "arch = any" "license = MIT")
  [ -z "$3" ] || info+=("depend = $3")
  [ "$1" != hello-fleet ] || info+=("backup = etc/hello-fleet.conf")
  printf '%s\n' "${info[@]}" > "$root/.PKGINFO"
  (cd "$root" && bsdtar --zstd --uid 0 --gid 0 -cf "$4/$1-$2-1-any.pkg.tar.zst" .PKGINFO *)
}

index() { # DIRECTORY
  cd "$1"
  repo-add --quiet hosts.db.tar.gz $(ls -v ./*.pkg.tar.zst)
}

install_packages pacman-package-manager makepkg libarchive-tools zstd
leave_mirror
build_repositories
write_os_release 'NAME="Arch Linux"' 'ID=arch' 'BUILD_ID=rolling' 'PRETTY_NAME="Arch Linux"'
mkdir -p /var/lib/pacman
printf '%s\n' '[options]' 'Architecture = auto' 'HoldPkg = pacman' 'SigLevel = Never' 'LocalFileSigLevel = Never' \
  '[hosts]' 'Server = file:///srv/current' > /etc/pacman.conf
pacman -Sy
