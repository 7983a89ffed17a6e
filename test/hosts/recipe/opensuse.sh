# The openSUSE layer: zypper with an offline repository.
source /mnt/common.sh
source /mnt/rpm.sh

install_packages zypper rpm createrepo-c
leave_mirror
use_usual_database
build_release_package 15.6
build_repositories
write_os_release 'NAME="openSUSE Leap"' 'ID="opensuse-leap"' 'ID_LIKE="suse opensuse"' 'VERSION_ID="15.6"' \
  'PRETTY_NAME="openSUSE Leap 15.6"'
mkdir -p /etc/zypp/repos.d /etc/products.d
cat > /etc/products.d/Leap.prod << END
<?xml version="1.0" encoding="UTF-8"?>
<product schemeversion="0">
  <vendor>openSUSE</vendor>
  <name>Leap</name>
  <version>15.6</version>
  <release>1</release>
  <arch>noarch</arch>
  <summary>openSUSE Leap 15.6</summary>
</product>
END
ln -s Leap.prod /etc/products.d/baseproduct
printf '[hosts]\nname=Hosts\nbaseurl=dir:///srv/current\ntype=rpm-md\nenabled=1\nautorefresh=1\ngpgcheck=0\n' \
  > /etc/zypp/repos.d/hosts.repo
zypper --non-interactive install hosts-release
