# Work for perl: words of a text counted, changed and sorted.
use strict;
use warnings;

my (%count, %short);
my ($changed, $length) = (0, 0);
open(my $file, '<', $ARGV[0]) or die "$ARGV[0]: $!";
while (my $line = <$file>) {
    last if $. > 1500;
    chomp $line;
    for my $word (split / /, $line) {
        $count{$word}++;
        $changed++ if $word =~ s/([aeiou])([^aeiou]+)$/$2-$1/;
        $short{substr($word, 0, 2)} .= length $word if $word =~ /^[b-m]\w+-/;
    }
    $length += length(join(',', map { ucfirst } reverse split / /, $line));
}
my @best = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9];
printf "%d %d %d %d %s\n", scalar keys %count, scalar keys %short, $changed, $length, "@best";
