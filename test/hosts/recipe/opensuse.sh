# The openSUSE layer: zypper with an offline repository.
source /mnt/common.sh
source /mnt/rpm.sh

install_packages zypper rpm createrepo-c
leave_mirror
install_release_package 15.6
build_repositories
write_os_release 'NAME="openSUSE Leap"' 'ID="opensuse-leap"' 'ID_LIKE="suse opensuse"' 'VERSION_ID="15.6"' \
  'PRETTY_NAME="openSUSE Leap 15.6"'
mkdir -p /etc/zypp/repos.d /etc/products.d
printf '[hosts]\nname=Hosts\nbaseurl=dir:///srv/current\ntype=rpm-md\nenabled=1\nautorefresh=1\ngpgcheck=0\n' \
  > /etc/zypp/repos.d/hosts.repo
zypper --non-interactive --no-gpg-checks refresh
