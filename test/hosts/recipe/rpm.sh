# Sourced by the rpm distros: builds rpm packages and repositories, and an rpm database which is not empty.

rpm_build() { # SPEC-FILE DIRECTORY
  rpmbuild -bb --quiet --define "_topdir /tmp/rpmbuild" --define "_rpmdir $2" --define "_buildhost hosts" \
    --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" "$1"
}

build() { # NAME VERSION DEPENDENCY DIRECTORY
  local files=/usr/share/$1
  [ "$1" != hello-fleet ] || files="$files
/usr/bin/hello-fleet
/usr/lib/systemd/system/hello-fleet.service
%config(noreplace) /etc/hello-fleet.conf"
  cat > "/tmp/$1.spec" << END
Name: $1
Version: $2
Release: 1
Summary: A package for tests
License: MIT
BuildArch: noarch
AutoReqProv: no
${3:+Requires: $3}
%description
A package for tests.
%install
bash -c '. /mnt/common.sh; stage $1 $2 %{buildroot}'
%files
$files
END
  rpm_build "/tmp/$1.spec" "$4"
}

index() { # DIRECTORY
  createrepo_c --quiet "$1"
}

# dnf takes its release version from this package, and zypper exits 8 on an empty rpm database.
build_release_package() { # VERSION
  cat > /tmp/hosts-release.spec << END
Name: hosts-release
Version: $1
Release: 1
Summary: The release of this host
License: MIT
BuildArch: noarch
AutoReqProv: no
Provides: system-release = $1
Provides: system-release(releasever) = $1
%description
The release of this host.
%files
END
  rpm_build /tmp/hosts-release.spec /srv/repo/1.0
  cp /srv/repo/1.0/hosts-release-*.rpm /srv/repo/2.0
}

use_usual_database() {
  mkdir -p /etc/rpm
  echo "%_dbpath /var/lib/rpm" > /etc/rpm/macros # Debian's rpm looks elsewhere
  rpm --initdb
}
