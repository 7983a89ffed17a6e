# The Fedora layer: dnf with an offline repository.
source /mnt/common.sh
source /mnt/rpm.sh

install_packages dnf rpm createrepo-c
leave_mirror
use_usual_database
build_release_package 40
build_repositories
write_os_release 'NAME="Fedora Linux"' 'ID=fedora' 'VERSION_ID=40' 'PRETTY_NAME="Fedora Linux 40"'
mkdir -p /etc/dnf /etc/yum.repos.d
printf '[main]\ngpgcheck=0\n' > /etc/dnf/dnf.conf
printf '[hosts]\nname=Hosts\nbaseurl=file:///srv/current\nenabled=1\ngpgcheck=0\n' > /etc/yum.repos.d/hosts.repo
dnf --assumeyes --releasever=40 install hosts-release
