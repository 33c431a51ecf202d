# SPDX-License-Identifier: GPL-2.0
# plot.gp - the counts of one device, from stock.counts and end.counts here
#
# gnuplot -e "out='FILE.svg'" plot.gp

set terminal svg size 900,640 font "sans,11" background rgb "white" noenhanced
set output out
set logscale xy
set xtics (1, 16, 128, 1000)
set xrange [0.8:1300]
set format y "%.0s%c"
set grid
set key left top
set xlabel "reserved regions of the device"

# the counts of one thing, as columns
of(where, what) = "< grep '^".what." 1 ' ".where.".counts"

set multiplot layout 2,2 title "Instructions, one mock device: the patch before the policy (stock), and the end"
set title "attach to a stage-2"
plot of("stock", "attach-direct") using 3:4 with linespoints title "stock", \
     of("end", "attach-direct") using 3:4 with linespoints title "end", \
     of("end", "attach-loose") using 3:4 with linespoints title "the driver's list alone"
set title "attach to a stage-1"
plot of("stock", "attach-nested") using 3:4 with linespoints title "stock", \
     of("end", "attach-nested") using 3:4 with linespoints title "end", \
     of("end", "attach-loose") using 3:4 with linespoints title "the driver's list alone"
set title "replace a stage-2 by that of another IOAS"
plot of("stock", "across-direct-direct") using 3:4 with linespoints title "stock", \
     of("end", "across-direct-direct") using 3:4 with linespoints title "end"
set title "query and load"
plot of("end", "query") using 3:4 with linespoints title "query", \
     of("end", "load") using 3:4 with linespoints title "load", \
     of("end", "load-again") using 3:4 with linespoints title "load once more"
unset multiplot
